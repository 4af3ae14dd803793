/*
 * ike-negotiate: IKEv1 itself. Plumbing only: options, the sandbox, sockets and channels.
 *
 * With --control-fd it is plutod's child (daemon.c). With a connection on the command line it is
 * run by hand and plays plutod's part for children of its own (by_hand.c).
 */
#include "by_hand.h"
#include "daemon.h"
#include "standard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: ike-negotiate CONNECTION --initiate [--secretsfile FILE] [--show-keys] | kernel-sa\n"
    "       ike-negotiate CONNECTION --listen   [--secretsfile FILE] [--show-keys] | kernel-sa\n"
    "       ike-negotiate --help | --version\n"
    "\n"
    "Negotiates one tunnel by IKEv1, without any daemon, and prints the records that\n"
    "kernel-sa(8) installs it from. Progress and errors go to stderr.\n"
    "\n"
    "  CONNECTION          the words of whack(8)'s connection form, without --name:\n"
    "                      --host A --to --host B --psk --encrypt --tunnel ...\n"
    "  --pubkeyrsa KEY     with --rsasig: the peer's public key, as `secrets --show` prints it\n"
    "                      (--keyid ID: whose it is, if not the peer's of this connection)\n"
    "  --initiate          begin the negotiation\n"
    "  --listen            wait for the peer to begin it\n"
    "  --secretsfile FILE  preshared and private keys (default /etc/ipsec.secrets)\n"
    "  --show-keys         print the traffic keys; without it they are shown as <32 bytes>\n"
    "                      and kernel-sa refuses the record, and the peer is left without tunnel\n"
    "  --control-fd N      be a child of plutod, with its channel on descriptor N\n"
    "\n"
    "Exit status: 0 the tunnel stands, 1 it does not, 100 wrong usage, 111 system failure.\n"
    "\n"
    "Example, as root, with a peer at 10.9.0.2 that holds the same preshared key:\n"
    "  ike-negotiate --psk --encrypt --tunnel --host 10.9.0.1 --client 10.1.0.0/24 \\\n"
    "      --to --host 10.9.0.2 --client 10.2.0.0/24 --initiate --show-keys | kernel-sa\n";

int main(int argc, char **argv)
{
    const unsigned closed = standard_fill();
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return standard_written("ike-negotiate", closed) ? 0 : EXIT_SYSTEM;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("ike-negotiate %s\n", VERSION);
        return standard_written("ike-negotiate", closed) ? 0 : EXIT_SYSTEM;
    }
    if (argc == 3 && strcmp(argv[1], "--control-fd") == 0) {
        int fd;
        if (!standard_other(argv[2], &fd)) {
            fprintf(stderr, "ike-negotiate: --control-fd %s: expected the number of an open descriptor from 3\n", argv[2]);
            return EXIT_MISUSE;
        }
        return daemon_run(fd);
    }
    return standard_there("ike-negotiate", closed, STANDARD_OUTPUT) ? by_hand_run(argc, argv) : EXIT_SYSTEM;
}
