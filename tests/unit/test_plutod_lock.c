/* plutod's lock: old ones, and several plutods that find the same one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plutod/lock.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char base[64];

static void path_of(char out[96], const char *suffix)
{
    snprintf(out, 96, "%s%s", base, suffix);
}

static void write_file(const char *suffix, const char *text)
{
    char path[96];
    path_of(path, suffix);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static pid_t pid_in_file(void)
{
    char path[96];
    int pid = 0;
    path_of(path, ".pid");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &pid), 1);
    fclose(f);
    return pid;
}

static bool is_there(const char *suffix)
{
    char path[96];
    path_of(path, suffix);
    return access(path, F_OK) == 0;
}

/* The pid of a process that has ended. */
static pid_t dead_pid(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return pid;
}

static void leave_old_lock(void)
{
    char text[32];
    snprintf(text, sizeof text, "%d\n", (int)dead_pid());
    write_file(".pid", text);
}

static int setup(void **state)
{
    (void)state;
    strcpy(base, "/tmp/test-lock-XXXXXX");
    assert_non_null(mkdtemp(base));
    strcat(base, "/pluto");
    return 0;
}

static int teardown(void **state)
{
    static const char *const suffixes[] = { ".pid", ".pid.lock", ".ctl" };
    char path[96];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        path_of(path, suffixes[i]);
        (void)unlink(path);
    }
    *strrchr(base, '/') = '\0';
    return rmdir(base);
}

/* Others may read whose it is, whatever umask there was; the pid is there at once. */
static void test_pid_can_be_read(void **state)
{
    struct lock l;
    struct stat s;
    char path[96];
    (void)state;
    mode_t mask = umask(077);
    assert_int_equal(lock_take(&l, base), LOCK_TAKEN);
    umask(mask);
    assert_int_equal(pid_in_file(), getpid());
    path_of(path, ".pid");
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0644);
    path_of(path, ".ctl");
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
    assert_true(lock_write_pid(&l, 7)); /* a shorter one */
    assert_int_equal(pid_in_file(), 7);
    lock_release(&l);
    assert_false(is_there(".pid"));
    assert_false(is_there(".ctl"));
}

static void test_old_lock_is_taken_over(void **state)
{
    struct lock l;
    (void)state;
    leave_old_lock();
    write_file(".pid.lock", ""); /* of one that was killed while it took it over */
    assert_int_equal(lock_take(&l, base), LOCK_TAKEN);
    assert_int_equal(pid_in_file(), getpid());
    assert_false(is_there(".pid.lock"));
    lock_release(&l);
}

/* [P3] A lock with our own pid in it is of one before us: no two processes have it at once. */
static void test_own_pid_is_taken_over(void **state)
{
    struct lock l;
    char text[32];
    (void)state;
    snprintf(text, sizeof text, "%d\n", (int)getpid());
    write_file(".pid", text);
    prctl(PR_SET_NAME, "plutod");
    assert_int_equal(lock_take(&l, base), LOCK_TAKEN);
    prctl(PR_SET_NAME, "test");
    assert_int_equal(pid_in_file(), getpid());
    lock_release(&l);
    assert_false(is_there(".pid"));
}

static void test_somebody_else_takes_it_over(void **state)
{
    struct lock l;
    char path[96];
    (void)state;
    leave_old_lock();
    path_of(path, ".pid.lock");
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(lock_take(&l, base), LOCK_BUSY);
    assert_true(is_there(".pid"));
    close(fd);
}

/* [P3] Where the lock cannot be made at all, nobody else is to blame. */
static void test_no_lock_can_be_made(void **state)
{
    struct lock l;
    char path[96];
    (void)state;
    leave_old_lock();
    path_of(path, ".pid.lock");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(lock_take(&l, base), LOCK_FAILED);
    assert_true(is_there(".pid"));
    assert_int_equal(rmdir(path), 0);
}

/* A user who can read the pid file cannot keep a plutod away by locking it. */
static void test_locking_the_pid_file_is_no_use(void **state)
{
    struct lock l;
    char path[96];
    (void)state;
    leave_old_lock();
    path_of(path, ".pid");
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(lock_take(&l, base), LOCK_TAKEN);
    close(fd);
    lock_release(&l);
}

#define RACERS 6
#define ROUNDS 40

/* One racer: as a plutod, when told; it stays until the round is over. */
static void race(int start, int say)
{
    struct lock l;
    char byte;
    prctl(PR_SET_NAME, "plutod");
    (void)!freopen("/dev/null", "w", stderr);
    (void)!read(start, &byte, 1);
    enum lock_result result = lock_take(&l, base);
    byte = (char)('0' + result);
    (void)!write(say, &byte, 1);
    pause();
    _exit(0);
}

static void test_one_of_many_wins(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        int start[2];
        int say[2];
        pid_t pids[RACERS];
        unsigned count[3] = { 0 };
        leave_old_lock();
        assert_int_equal(pipe(start), 0);
        assert_int_equal(pipe(say), 0);
        for (int i = 0; i < RACERS; i++) {
            pids[i] = fork();
            if (pids[i] == 0) {
                close(start[1]);
                race(start[0], say[1]);
            }
        }
        close(start[1]); /* off they go */
        for (int i = 0; i < RACERS; i++) {
            char byte;
            assert_int_equal(read(say[0], &byte, 1), 1);
            assert_in_range(byte, '0', '2');
            count[byte - '0']++;
        }
        for (int i = 0; i < RACERS; i++) {
            kill(pids[i], SIGKILL);
            waitpid(pids[i], NULL, 0);
        }
        close(start[0]);
        close(say[0]);
        close(say[1]);
        assert_int_equal(count[LOCK_TAKEN], 1);
        assert_int_equal(count[LOCK_BUSY], RACERS - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pid_can_be_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_old_lock_is_taken_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_own_pid_is_taken_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_somebody_else_takes_it_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_lock_can_be_made, setup, teardown),
        cmocka_unit_test_setup_teardown(test_locking_the_pid_file_is_no_use, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_of_many_wins, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
