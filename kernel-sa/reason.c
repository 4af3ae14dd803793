#include "reason.h"

#include <errno.h>
#include <string.h>

static const char *hash_module(const struct hash *h)
{
    switch (h->id) {
    case HASH_MD5:
        return "md5";
    case HASH_SHA1:
        return "sha1_generic";
    case HASH_SHA2_256:
    case HASH_SHA2_256_96:
        return "sha256_generic";
    case HASH_SHA2_384:
    case HASH_SHA2_512:
        return "sha512_generic";
    case HASH_COUNT:
        break;
    }
    return "";
}

/* The kernel loads these by itself where it may; in a container or a stripped kernel it cannot. */
static void advise_algorithms(struct buffer *out, const struct kernel_sa *sa)
{
    buffer_add_text(out, "the kernel lacks an algorithm of ");
    sa_describe_suite(out, sa);
    if (sa->cipher == NULL) {
        return;
    }
    if (sa->cipher->icv_len != 0) {
        buffer_add_text(out, ": modprobe -a gcm seqiv aes_generic");
        return;
    }
    say(out, ": modprobe -a authenc cbc echainiv %s %s",
        sa->cipher->id == CIPHER_3DES ? "des_generic" : "aes_generic",
        sa->hash == NULL ? "" : hash_module(sa->hash));
}

static void advise_sa(struct buffer *out, const struct kernel_sa *sa, int error)
{
    const char *module = sa->dst.family == 6 ? "esp6" : "esp4";
    switch (error) {
    case EPROTONOSUPPORT:
        say(out, "%s module missing: modprobe %s (a container must ask its host; a kernel without "
            "ESP cannot)", module, module);
        break;
    case ENOSYS:
    case ENOENT:
        advise_algorithms(out, sa);
        break;
    case EEXIST:
        buffer_add_text(out, "an SA with this SPI and destination is there already and is not "
                        "ours: `kernel-sa --list` shows it; negotiate again with another SPI");
        break;
    case EAFNOSUPPORT:
        buffer_add_text(out, "this address family is turned off in the kernel");
        break;
    case EINVAL:
        buffer_add_text(out, "the kernel does not take these values together");
        break;
    default:
        buffer_add_text(out, "see `kernel-sa --list` and the kernel's log");
        break;
    }
}

static void advise_update(struct buffer *out, int error)
{
    if (error == EINVAL || error == EEXIST) {
        buffer_add_text(out, "the kernel does not change this SA: it is at its end, or in use by the "
                        "kernel itself; delete it and negotiate anew");
    } else {
        buffer_add_text(out, "it keeps the life that it has: delete it where that is too long");
    }
}

static void advise_policy(struct buffer *out, int error)
{
    switch (error) {
    case EEXIST:
        buffer_add_text(out, "another program has a policy between the same clients: `kernel-sa "
                        "--list` shows it; remove it, or use other clients");
        break;
    case EINVAL:
        buffer_add_text(out, "the kernel does not take this policy: is CONFIG_XFRM_USER complete?");
        break;
    case EAFNOSUPPORT:
        buffer_add_text(out, "this address family is turned off in the kernel");
        break;
    default:
        buffer_add_text(out, "see `kernel-sa --list` and the kernel's log");
        break;
    }
}

static bool is_policy(enum kernel_verb verb)
{
    return verb == KERNEL_ADD_POLICY || verb == KERNEL_UPDATE_POLICY
           || verb == KERNEL_DELETE_POLICY || verb == KERNEL_GET_POLICY;
}

/* Shorter than kernel_describe: only what tells this one from others. */
static void what_was_wanted(struct buffer *out, const struct kernel_request *request)
{
    if (request->verb == KERNEL_ADD_SA) {
        say(out, "add %s SA ", request->sa.inbound ? "inbound" : "outbound");
        sa_describe(out, &request->sa);
        say(out, " (%s, ", request->sa.transport ? "transport" : "tunnel");
        sa_describe_suite(out, &request->sa);
        buffer_add_text(out, ")");
    } else {
        kernel_describe(out, request);
    }
}

void kernel_reason(struct buffer *out, const struct kernel_request *request,
                   const struct kernel_result *result)
{
    bool adds = request->verb == KERNEL_ADD_SA || request->verb == KERNEL_ADD_POLICY
                || request->verb == KERNEL_UPDATE_POLICY;
    buffer_add_text(out, "cannot ");
    what_was_wanted(out, request);
    if (result->text[0] != '\0') {
        say(out, ": the kernel says \"%s\" (%s): ", result->text, strerror(result->error));
    } else {
        say(out, ": the kernel says \"%s\": ", strerror(result->error));
    }
    if (result->error == EPERM || result->error == EACCES) {
        buffer_add_text(out, "it needs CAP_NET_ADMIN in this network namespace: run it as root");
    } else if (result->error == ENOMEM || result->error == ENOBUFS) {
        buffer_add_text(out, "the kernel is short of memory: try again later");
    } else if (result->error == ETIMEDOUT) {
        buffer_add_text(out, "no answer came; is the machine overloaded?");
    } else if (!adds && (result->error == ESRCH || result->error == ENOENT)) {
        buffer_add_text(out, "it is not there (any more)");
    } else if (result->error == EAGAIN) {
        buffer_add_text(out, "they changed each time they were read: try again later");
    } else if (request->verb == KERNEL_UPDATE_SA) {
        advise_update(out, result->error);
    } else if (is_policy(request->verb)) {
        advise_policy(out, result->error);
    } else {
        advise_sa(out, &request->sa, result->error);
    }
}

void kernel_reason_socket(struct buffer *out, int error)
{
    say(out, "cannot open a NETLINK_XFRM socket: %s: ", strerror(error));
    if (error == EPROTONOSUPPORT || error == EAFNOSUPPORT) {
        buffer_add_text(out, "the kernel has no IPsec interface: modprobe xfrm_user "
                        "(CONFIG_XFRM_USER)");
    } else if (error == EPERM || error == EACCES) {
        buffer_add_text(out, "it needs CAP_NET_ADMIN in this network namespace: run it as root");
    } else {
        buffer_add_text(out, "try again later");
    }
}
