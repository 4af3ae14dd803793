#include "help.h"

#include "option_help.h"

static const char tail[] =
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
    "More, and what the numbers mean: man 8 whack\n";

void help_print(FILE *out)
{
    fputs("whack tells a running plutod what to do, and shows what it answers.\n"
          "Long options may be abbreviated; in brackets is what holds if nothing is given.\n", out);
    option_help_print(out, OF_WHACK);
    fputs("\nSeveral forms in one call are carried out in this order:\n", out);
    option_forms_print(out);
    fputs(tail, out);
}
