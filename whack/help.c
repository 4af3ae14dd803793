#include "help.h"

static const char *const help[] = {
    "whack tells a running plutod what to do, and shows what it answers.\n"
    "\n"
    "  Every call        [--ctlbase PATH] [--label TEXT] [--optionsfrom FILE]\n"
    "    Long options may be abbreviated. PATH is /var/run/pluto if not given.\n"
    "\n",

    "Describe a connection (the same words do on both hosts; each finds out which end it is)\n"
    "  whack --name NAME  END  --to  END  POLICY\n"
    "    END     --host ADDRESS|NAME|%any\n"
    "            [--id ADDRESS|NAME|@fqdn|user@fqdn]   its identity; default: its address\n"
    "            [--client SUBNET]                     the net behind it; default: the host\n"
    "            [--nexthop ADDRESS|NAME|%direct]      gateway to the peer; default: the peer\n"
    "            [--ikeport PORT]                      default 500\n"
    "            [--updown COMMAND]                    run when the tunnel comes and goes\n"
    "    POLICY  --psk              the peers prove themselves by a secret both know\n"
    "            --encrypt          protect traffic by ESP (without: an ISAKMP SA only)\n"
    "            --tunnel           host to host in tunnel mode (a --client implies it)\n"
    "            --pfs              new Diffie-Hellman for each IPsec SA\n"
    "            --ike PROPOSALS    e.g. aes256-sha2_256-modp2048,...  or default, classic\n"
    "            --esp PROPOSALS    e.g. aes256-sha2_256,aes256gcm16   or default, classic\n"
    "            --pfsgroup GROUPS  e.g. modp2048,ecp256   with --pfs; default: that of --ike\n"
    "            --ipv4 --ipv6           how names and %any are meant for hosts\n"
    "            --tunnelipv4 --tunnelipv6   the same for clients\n"
    "            --ikelifetime SECONDS   10800   --ipseclifetime SECONDS   3600\n"
    "            --rekeymargin SECONDS     540   --rekeyfuzz PERCENT        100\n"
    "            --keyingtries COUNT         3   (0: never give up)   --dontrekey\n"
    "            --delete                a connection of that name goes first\n"
    "\n",

    "Work with it\n"
    "  whack --listen | --unlisten              find interfaces and read secrets | be deaf\n"
    "  whack --initiate --name NAME [--asynchronous]    bring the tunnel up\n"
    "  whack --terminate --name NAME [--asynchronous]   take it down; the connection stays\n"
    "  whack --route | --unroute --name NAME    bring it up as soon as a packet wants through\n"
    "                                           (not supported yet)\n"
    "  whack --delete --name NAME               forget the connection, its SAs and routes\n"
    "  whack --deletestate NUMBER               end one SA; --status shows its number\n"
    "\n"
    "Look, and stop\n"
    "  whack --status                           connections, SAs, interfaces\n"
    "  whack --debug-CLASS... [--name NAME]     classes: none all raw crypt parsing emitting\n"
    "                                           control lifecycle kernel dns oppo private\n"
    "  whack --shutdown                         end plutod and delete its SAs\n"
    "  whack --help | --version\n"
    "\n",

    "Several forms in one call are carried out in this order: debug, delete, deletestate,\n"
    "connection, listen or unlisten, route, unroute, initiate, terminate, status, shutdown.\n"
    "\n"
    "Exit status: 1 if whack itself failed (it says why on stderr); else the number of plutod's\n"
    "last line that is not 000, 002, 003 or 040, with 004 (it worked) counted as 0.\n"
    "\n"
    "Example: a tunnel between two nets, typed on both gateways\n"
    "  whack --name net --psk --encrypt --host 10.9.0.1 --client 10.1.0.0/24 \\\n"
    "      --to --host 10.9.0.2 --client 10.2.0.0/24\n"
    "  whack --listen\n"
    "and on one of them\n"
    "  whack --initiate --name net\n"
    "\n"
    "More, and what the numbers mean: man 8 whack\n",
};

void help_print(FILE *out)
{
    for (size_t i = 0; i < sizeof help / sizeof help[0]; i++) {
        fputs(help[i], out);
    }
}
