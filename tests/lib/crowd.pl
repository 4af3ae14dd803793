#!/usr/bin/perl
# crowd.pl WHACK CTLBASE COUNT SEED - COUNT whacks at the same moment, every other of which misbehaves
#
# The good ones add and delete connections, ask for the status, and ask for what there is not. Of the others some are killed
# at a random moment, some stopped, and some are no whack: they send half a request, rubbish, a megabyte without a newline,
# another version, or never read what they asked for. They stay until all good ones have ended. Needs: connections "old0",
# "old8", ... (every eighth up to COUNT) and "there". Prints what went wrong with good ones, if anything; "names" and what
# the killed ones may have added; how long a good one and how long a status beside the bad ones took, at the most, in ms.
# That it took a good one so long that it said so is nothing wrong: the machine may have more to do than this.
use strict;
use warnings;
use IO::Socket::UNIX;
use POSIX qw(:sys_wait_h _exit);
use Time::HiRes qw(time sleep);

my ($whack, $base, $count, $seed) = @ARGV;
my @words = ($whack, '--ctlbase', $base);
my $hello = "hello version=1 epoch=1 tool=whack\n";
my (%good, @bad, %kill_at, %stop_at, @maybe);
srand $seed;
$SIG{PIPE} = 'IGNORE';
pipe(my $wait, my $go) or die "pipe: $!";

sub connection { ('--name', $_[0], '--psk', '--encrypt', qw(--host 127.0.0.1 --to --host 10.64.0.1)) }

# What a good one asks, its exit status, and what its output must be like.
sub question {
    my ($i) = @_;
    my $sort = $i / 2 % 4;
    return ([connection("new$i")], 0, qr/\A002 added connection description "new$i"\n\z/) if $sort == 1;
    return (['--status'], 0, qr/\A000 .*^000 "there": 127\.0\.0\.1\[/ms) if $sort == 2;
    return (['--initiate', '--name', "none$i"], 21, qr/\A021 no connection named "none$i"\n\z/) if $sort == 3;
    return (['--delete', '--name', "old$i"], 0, qr/\A002 "old$i": deleted connection description\n\z/);
}

# Begins a process that waits for the start, and then does what it is to do.
sub begin {
    my ($what) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    close $go;
    sysread $wait, my $byte, 1;
    $what->();
    _exit(0);
}

# No whack: says this and stays, without reading.
sub say_and_stay {
    my ($text) = @_;
    my $s = IO::Socket::UNIX->new(Peer => "$base.ctl") or _exit(0);
    $s->blocking(0);
    for (my $at = 0; $at < length $text;) {
        my $n = syswrite $s, $text, 65536, $at;
        $at += $n // 0;
        last if !defined $n && !$!{EAGAIN};
        sleep 0.01 if !defined $n;
    }
    sleep 150;
}

sub misbehave {
    my ($i) = @_;
    my $sort = ($i - 1) / 2 % 8;
    my $rubbish = join '', map { chr rand 256 } 1 .. 2000;
    my @said = (undef, undef, undef, $hello . "whack-status\n" x 5000,
        $hello . "whack-connection name=half$i left-host=127.0.0.1 right-ho", "$rubbish\n", 'x' x 1_000_000,
        "hello version=9 epoch=1 tool=whack\nwhack-delete name=there\n");
    return begin(sub { say_and_stay($said[$sort]) }) if $sort > 2;
    my @does = ([connection("killed$i")], ['--status'], ['--initiate', '--name', 'there']);
    my $pid = begin(sub { open STDOUT, '>', '/dev/null'; exec @words, @{$does[$sort]} });
    push @maybe, "killed$i" if $sort == 0;
    ($sort == 1 ? \%stop_at : \%kill_at)->{$pid} = rand 1;
    return $pid;
}

for my $i (0 .. $count - 1) {
    if ($i % 2) {
        push @bad, misbehave($i);
        next;
    }
    my ($ask, $exit, $output) = question($i);
    open my $file, '+>', undef or die "file: $!";
    my $pid = begin(sub { open STDOUT, '>&', $file; open STDERR, '>&', $file; exec @words, @$ask });
    $good{$pid} = { i => $i, exit => $exit, output => $output, file => $file };
}
close $wait;
my $begun = time;
close $go;

sub check {
    my ($one, $exit) = @_;
    seek $one->{file}, 0, 0;
    my $said = join '', grep { !/^whack: plutod has not answered for 5 s: .*; still waiting$/ } readline $one->{file};
    return if $exit == $one->{exit} << 8 && $said =~ $one->{output};
    print "good $one->{i}: status $exit, not $one->{exit}: $said\n";
}

my $longest = 0;
while (%good && time < $begun + 100) {
    my $now = time - $begun;
    for my $which ([\%stop_at, 'STOP'], [\%kill_at, 'KILL']) {
        my ($at, $signal) = @$which;
        for my $pid (grep { $at->{$_} <= $now } keys %$at) {
            kill $signal, $pid;
            delete $at->{$pid};
        }
    }
    while ((my $pid = waitpid -1, WNOHANG) > 0) {
        my $one = delete $good{$pid} // next;
        $longest = time - $begun;
        check($one, $?);
    }
    sleep 0.005;
}
print "good $_->{i} has not ended\n" for values %good;

my $status = 0;
for (1 .. 5) {
    my $asked = time;
    my $s = IO::Socket::UNIX->new(Peer => "$base.ctl") or die "connect: $!";
    syswrite $s, "${hello}whack-status\n";
    shutdown $s, 1;
    my $said = join '', <$s>;
    print "status: $said\n" if $said !~ /^000 "there"/m || $said !~ /^end\n\z/m;
    my $took = time - $asked;
    $status = $took if $took > $status;
}
kill 'KILL', @bad;
kill 'KILL', keys %good;
1 while waitpid(-1, 0) > 0;
print "names @maybe\n";
printf "times %d %d\n", $longest * 1000, $status * 1000;
