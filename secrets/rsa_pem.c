#include "rsa_pem.h"

#include "rsa_inside.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string.h>

static const char damaged[] = "the key is cut off or damaged";
static const char wrong_passphrase[] = "the passphrase of the key is wrong, or the key is damaged";
static const char no_passphrase[] = "the key is encrypted: expected its passphrase after the file name";
static const char other_algorithm[] = "expected an RSA key: this one is of another algorithm";
static const char several[] = "expected one private RSA key: there are several in the file; leave the one that is meant";
static const char several_perhaps[] = "expected one private RSA key: there are several private keys in the file, of which some "
                                      "cannot be told (encrypted, in OpenSSH's own container, or damaged); leave the one that is "
                                      "meant";

static const char of_openssh[] = "the key is in a container of OpenSSH's own, which is not read: expected an RSA key in "
                                 "PEM form; convert a copy in place: ssh-keygen -p -m PEM -f FILE";

#define TEXT(number) #number
#define TEXT_OF(number) TEXT(number)
static const char too_slow[] = "the key is encrypted with more than " TEXT_OF(PEM_WORK_OF_KEY) " iterations, which "
                               "would take too long";
static const char work_spent[] = "the key is not opened, since the passphrases of the key files before it took all the "
                                 "time that there is for all of them (" TEXT_OF(PEM_WORK_OF_LOAD) " iterations): "
                                 "encrypt them with fewer";

struct pem { /* one block, owned */
    char *name;
    char *header;
    unsigned char *data;
    long len;
};

static void pem_wipe(struct pem *pem)
{
    OPENSSL_secure_free(pem->name);
    OPENSSL_secure_free(pem->header);
    OPENSSL_secure_clear_free(pem->data, pem->len > 0 ? (size_t)pem->len : 0);
    *pem = (struct pem){ 0 };
}

/* ---- how much work is it? ---- */

#define TOO_MUCH ((uint64_t)PEM_WORK_OF_KEY + 1)

/* At most TOO_MUCH, so that products of them do not overflow. */
static uint64_t count_of(const ASN1_INTEGER *number)
{
    int64_t n = 0;
    bool is = ASN1_INTEGER_get_int64(&n, number) == 1 && n >= 0;
    return is && (uint64_t)n < TOO_MUCH ? (uint64_t)n : TOO_MUCH;
}

/* RFC 8018, 5.2 */
static uint64_t work_of_pbkdf2(const ASN1_TYPE *parameter)
{
    PBKDF2PARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), parameter);
    uint64_t work = p == NULL ? TOO_MUCH : count_of(p->iter);
    PBKDF2PARAM_free(p);
    return work;
}

/* RFC 7914, 7.1: OpenSSL bounds its memory only. A block of 128 bytes takes about as long as an iteration of PBKDF2. */
static uint64_t work_of_scrypt(const ASN1_TYPE *parameter)
{
    SCRYPT_PARAMS *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
    uint64_t work = p == NULL ? TOO_MUCH : count_of(p->costParameter) * count_of(p->blockSize);
    work = work < TOO_MUCH ? work * count_of(p->parallelizationParameter) : TOO_MUCH;
    SCRYPT_PARAMS_free(p);
    return work;
}

/* RFC 8018, 6.2 */
static uint64_t work_of_pbes2(const ASN1_TYPE *parameter)
{
    PBE2PARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), parameter);
    uint64_t work = 0; /* of what OpenSSL does not know it does nothing */
    int derivation = p == NULL ? NID_undef : OBJ_obj2nid(p->keyfunc->algorithm);
    if (derivation == NID_id_pbkdf2) {
        work = work_of_pbkdf2(p->keyfunc->parameter);
    } else if (derivation == NID_id_scrypt) {
        work = work_of_scrypt(p->keyfunc->parameter);
    }
    PBE2PARAM_free(p);
    return p == NULL ? TOO_MUCH : work;
}

static uint64_t work_of(const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *object = NULL;
    X509_ALGOR_get0(&object, NULL, NULL, algorithm);
    if (OBJ_obj2nid(object) == NID_pbes2) {
        return algorithm->parameter == NULL ? TOO_MUCH : work_of_pbes2(algorithm->parameter);
    }
    PBEPARAM *old = algorithm->parameter == NULL ? NULL
        : ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
    uint64_t work = old == NULL ? 0 : count_of(old->iter); /* NULL: a scheme that OpenSSL will not know */
    PBEPARAM_free(old);
    return work;
}

/* ---- the kinds of blocks ---- */

static void integers_free(ASN1_SEQUENCE_ANY *all)
{
    for (int i = 0; i < sk_ASN1_TYPE_num(all); i++) {
        const ASN1_TYPE *t = sk_ASN1_TYPE_value(all, i);
        if (t->type == V_ASN1_INTEGER) {
            OPENSSL_cleanse(t->value.integer->data, (size_t)t->value.integer->length);
        }
    }
    sk_ASN1_TYPE_pop_free(all, ASN1_TYPE_free);
}

/* NULL or why. */
static const char *check_version(const ASN1_INTEGER *number)
{
    int64_t version = -1;
    return ASN1_INTEGER_get_int64(&version, number) == 1 && version == 0
               ? NULL : "the version of the RSA key, its first number, is not 0 (two primes), which is not supported";
}

/* The version, and the numbers after it. */
static const char *take_integers(struct rsa_key **key, const ASN1_SEQUENCE_ANY *all, const char *otherwise,
                                 struct key_work *work)
{
    struct rsa_numbers numbers;
    const char *why = NULL;
    for (int i = 0; i < sk_ASN1_TYPE_num(all); i++) {
        const ASN1_TYPE *t = sk_ASN1_TYPE_value(all, i);
        if (t->type != V_ASN1_INTEGER || t->value.integer->type != V_ASN1_INTEGER) {
            return i > RSA_NUMBERS ? "the RSA key has more than two primes, which is not supported" : otherwise;
        }
        if (i == 0) {
            why = check_version(t->value.integer);
        } else if (i <= RSA_NUMBERS) {
            numbers.of[i - 1].bytes = ASN1_STRING_get0_data(t->value.integer);
            numbers.of[i - 1].len = (size_t)ASN1_STRING_length(t->value.integer);
        }
    }
    if (sk_ASN1_TYPE_num(all) != 1 + RSA_NUMBERS) {
        return otherwise;
    }
    why = why != NULL || work == NULL ? why : rsa_work_take(work, &numbers);
    return why != NULL ? why : rsa_key_new(key, &numbers);
}

/*
 * RFC 8017, A.1.2: RSAPrivateKey. Not by OpenSSL's decoder of keys, which leaves copies of what it read
 * in memory that it gives back.
 */
static const char *take_rsa(struct rsa_key **key, const unsigned char *der, long len, const char *otherwise,
                            struct key_work *work)
{
    const unsigned char *at = der;
    ASN1_SEQUENCE_ANY *all = d2i_ASN1_SEQUENCE_ANY(NULL, &at, len);
    if (all == NULL) {
        return otherwise;
    }
    const char *why = at == der + len ? take_integers(key, all, otherwise, work) : otherwise;
    integers_free(all);
    return why;
}

static const char *take_info(struct rsa_key **key, PKCS8_PRIV_KEY_INFO *info, const char *otherwise,
                             struct key_work *work)
{
    const ASN1_OBJECT *algorithm = NULL;
    const unsigned char *der = NULL;
    int len = 0;
    const char *why = otherwise;

    if (info != NULL && PKCS8_pkey_get0(&algorithm, &der, &len, NULL, info) == 1) {
        why = OBJ_obj2nid(algorithm) == NID_rsaEncryption ? take_rsa(key, der, len, damaged, work)
                                                          : other_algorithm;
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    return why;
}

static const char *take_pkcs8(struct rsa_key **key, const struct pem *pem, struct key_work *work)
{
    const unsigned char *at = pem->data;
    return take_info(key, d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, pem->len), damaged, work);
}

static const char *take_encrypted(struct rsa_key **key, const struct pem *pem, const char *passphrase, struct key_work *work)
{
    const unsigned char *at = pem->data;
    const X509_ALGOR *algorithm = NULL;
    const char *why = damaged;
    X509_SIG *sealed = d2i_X509_SIG(NULL, &at, pem->len);

    if (sealed == NULL) {
        return why;
    }
    X509_SIG_get0(sealed, &algorithm, NULL);
    const uint64_t needed = work_of(algorithm);
    if (needed >= TOO_MUCH) {
        why = too_slow;
    } else if (passphrase == NULL) {
        why = no_passphrase;
    } else if (work != NULL && needed > work->iterations) {
        why = work_spent;
    } else {
        if (work != NULL) {
            work->iterations -= needed;
        }
        why = take_info(key, PKCS8_decrypt(sealed, passphrase, (int)strlen(passphrase)),
                        wrong_passphrase, work);
    }
    X509_SIG_free(sealed);
    return why;
}

static int give_passphrase(char *out, int size, int writing, void *passphrase)
{
    size_t len = strlen(passphrase);
    (void)writing;
    if (size < 0 || len > (size_t)size) {
        return -1;
    }
    memcpy(out, passphrase, len);
    return (int)len;
}

/* PKCS #1, with the encryption of old, which the header names. */
static const char *take_pkcs1(struct rsa_key **key, struct pem *pem, const char *passphrase, struct key_work *work)
{
    EVP_CIPHER_INFO cipher;
    char *secret = NULL;
    const char *otherwise = damaged;

    if (pem->header[0] != '\0') {
        if (PEM_get_EVP_CIPHER_INFO(pem->header, &cipher) != 1) {
            return "expected a key in the clear, or encrypted by a cipher that OpenSSL has";
        }
        if (cipher.cipher != NULL && passphrase == NULL) {
            return no_passphrase;
        }
        if (cipher.cipher != NULL) {
            otherwise = wrong_passphrase;
            secret = OPENSSL_strdup(passphrase);
            int opened = secret == NULL ? 0 : PEM_do_header(&cipher, pem->data, &pem->len,
                                                            give_passphrase, secret);
            OPENSSL_clear_free(secret, secret == NULL ? 0 : strlen(passphrase));
            if (opened != 1) {
                return wrong_passphrase;
            }
        }
    }
    return take_rsa(key, pem->data, pem->len, otherwise, work);
}

/* ---- the one that is meant ---- */

enum kind {
    NO_PRIVATE_KEY,
    A_PUBLIC_KEY,
    A_CERTIFICATE,
    NO_RSA_KEY, /* a private one of another algorithm */
    RSA_KEY,
    PERHAPS,    /* not to be told from outside */
    KINDS
};

static enum kind kind_of_info(const struct pem *pem)
{
    const unsigned char *at = pem->data;
    const ASN1_OBJECT *algorithm = NULL;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, pem->len);
    enum kind kind = PERHAPS;
    if (info != NULL && PKCS8_pkey_get0(&algorithm, NULL, NULL, NULL, info) == 1) {
        kind = OBJ_obj2nid(algorithm) == NID_rsaEncryption ? RSA_KEY : NO_RSA_KEY;
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    return kind;
}

static enum kind kind_of(const struct pem *pem)
{
    if (strcmp(pem->name, PEM_STRING_RSA) == 0) {
        return RSA_KEY;
    }
    if (strcmp(pem->name, PEM_STRING_PKCS8INF) == 0) {
        return kind_of_info(pem);
    }
    if (strcmp(pem->name, PEM_STRING_PKCS8) == 0 || strcmp(pem->name, "OPENSSH PRIVATE KEY") == 0) {
        return PERHAPS;
    }
    return strstr(pem->name, "PRIVATE KEY") != NULL ? NO_RSA_KEY
           : strstr(pem->name, "PUBLIC KEY") != NULL ? A_PUBLIC_KEY
           : strstr(pem->name, "CERTIFICATE") != NULL ? A_CERTIFICATE : NO_PRIVATE_KEY;
}

/* Of a kind that may be one. */
static const char *take_block(struct rsa_key **key, struct pem *pem, const char *passphrase, struct key_work *work)
{
    if (strcmp(pem->name, PEM_STRING_RSA) == 0) {
        return take_pkcs1(key, pem, passphrase, work);
    }
    if (strcmp(pem->name, PEM_STRING_PKCS8INF) == 0) {
        return take_pkcs8(key, pem, work);
    }
    return strcmp(pem->name, PEM_STRING_PKCS8) == 0 ? take_encrypted(key, pem, passphrase, work) : of_openssh;
}

static bool next_block(BIO *in, struct pem *pem)
{
    return PEM_read_bio_ex(in, &pem->name, &pem->header, &pem->data, &pem->len,
                           PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE) == 1;
}

/* Why it is not clear which block is the key; NULL: there is one that may be. */
static const char *look_at_all(BIO *in, bool begins)
{
    unsigned count[KINDS] = { 0 };
    unsigned all = 0;
    struct pem pem = { 0 };

    ERR_clear_error();
    for (; next_block(in, &pem); all++) {
        count[kind_of(&pem)]++;
        pem_wipe(&pem);
    }
    const bool whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (count[RSA_KEY] + count[PERHAPS] > 0) {
        return count[RSA_KEY] + count[PERHAPS] == 1 ? NULL : count[PERHAPS] == 0 ? several : several_perhaps;
    }
    if (!whole || (all == 0 && begins)) {
        return damaged;
    }
    return all == 0 ? "expected a private key in PEM form (-----BEGIN ...)"
           : count[NO_RSA_KEY] > 0 ? other_algorithm
           : count[A_PUBLIC_KEY] == all ? "expected a private key: there is only a public one in the file"
           : count[A_CERTIFICATE] == all ? "expected a private key: there is only a certificate in the file"
           : "expected a private key: there are only other things in the file";
}

const char *rsa_pem_read(struct rsa_key **key, const char *text, size_t len, const char *passphrase, struct key_work *work)
{
    struct pem pem = { 0 };

    *key = NULL;
    if (len > INT32_MAX) {
        return "the key is too long";
    }
    BIO *in = BIO_new_mem_buf(text, (int)len);
    if (in == NULL) {
        return "out of memory";
    }
    const char *why = look_at_all(in, memmem(text, len, "-----BEGIN ", 11) != NULL);
    if (why == NULL) {
        why = damaged;
        (void)BIO_reset(in); /* of a text in memory: to its beginning */
        while (next_block(in, &pem)) {
            const enum kind kind = kind_of(&pem);
            const bool meant = kind == RSA_KEY || kind == PERHAPS;
            why = meant ? take_block(key, &pem, passphrase, work) : why;
            pem_wipe(&pem);
            if (meant) {
                break;
            }
        }
    }
    BIO_free(in);
    ERR_clear_error();
    return why;
}

bool rsa_pem_needs_passphrase(const char *why)
{
    return why == no_passphrase;
}

bool rsa_pem_needs_another(const char *why)
{
    return why == wrong_passphrase;
}

/* ---- writing ---- */

bool rsa_pem_write(struct buffer *out, const struct rsa_key *key, bool private)
{
    char *text = NULL;
    BIO *bio = BIO_new(private ? BIO_s_secmem() : BIO_s_mem());
    EVP_PKEY *pkey = rsa_key_pkey(key);
    bool written = bio != NULL
                   && (private ? PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)
                               : PEM_write_bio_PUBKEY(bio, pkey)) == 1;
    long len = written ? BIO_get_mem_data(bio, &text) : 0;
    if (written) {
        buffer_add(out, text, (size_t)len);
    }
    BIO_free(bio);
    ERR_clear_error();
    return written && !out->overflowed;
}
