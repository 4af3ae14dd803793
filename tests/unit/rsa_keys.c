#include "rsa_keys.h"

#include "secrets/rsa_inside.h"
#include "secrets/rsa_pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/rsa.h>

struct rsa_key *rsa_test_key(const char *pem)
{
    struct rsa_key *key = NULL;
    assert_null(rsa_pem_read(&key, pem, strlen(pem), NULL, NULL));
    assert_non_null(key);
    return key;
}

struct parts parts_of(const char *pem)
{
    struct parts parts = { .zeros = 0 };
    struct rsa_key *key = rsa_test_key(pem);
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        assert_int_equal(EVP_PKEY_get_bn_param(rsa_key_pkey(key), rsa_number_names[i], &parts.bn[i]), 1);
    }
    rsa_key_free(key);
    return parts;
}

void parts_free(struct parts *parts)
{
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        BN_free(parts->bn[i]);
    }
}

void sign_block(const struct rsa_key *key, const uint8_t *block, uint8_t *sig)
{
    size_t len = rsa_key_public(key)->modulus_len;
    size_t made = RSA_SIGNATURE_MAX;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, rsa_key_pkey(key), NULL);
    assert_int_equal(EVP_PKEY_sign_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING), 1);
    assert_int_equal(EVP_PKEY_sign(context, sig, &made, block, len), 1);
    assert_int_equal(made, len);
    EVP_PKEY_CTX_free(context);
}

const char rsa_pem_512[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIBOgIBAAJBAMx1iMXZDz0ya/+cScgrmq17qnLWXfwAK3qxRz+cBZUn4wFzaKRb\n"
    "T+01TBMwQypYeTU52/9MWyW5pDyYKsy96AUCAwEAAQJAHRhEpFLlFkJMmA03eqKp\n"
    "2jIU6U6UBT5I8aa0itq6+KR5OTwZC4Et/ASTskQfIeEn+bhK5gElZtn9wxWRM190\n"
    "wQIhAPCUN7SGFj2V80eHxaiqHmADSrbCdnqvJmYfGR/zr4z5AiEA2ZCbjUJ/cdWf\n"
    "d0NWXKDUbVVIV2iI7ERNnLvY2fX4cm0CIQDdUz48Me9cEQuTDvFkzbzMD7s4j4Z4\n"
    "L5Jf+NQgdQtX4QIgPhoj/K91l3XF3hIvjaMu38KPMrwZEW/xw4JvRNAMSgUCIB8t\n"
    "kog5Jg3K2lqXhFmcZh90GJ5G1WjN+RZjzn0V0WMl\n"
    "-----END RSA PRIVATE KEY-----\n";

const char rsa_pem_512_e3[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIBOQIBAAJBAKd55McnRTV1dKX4NsbNYpg9Izgd/ikABa9lUErkXZFAY3NOeRoC\n"
    "VnthF+z/kfqj94yQSM0fJzdIa5/xEb+NKNUCAQMCQG+mmITE2M5OTcP6zy8zlxAo\n"
    "wiVpVBtVWR+Y4DHtk7Yp2OBdIcrQHEwN37Exw0/sDeDzU3NVAOvQKbKgJrLLiisC\n"
    "IQDQ3KNITiCPGZW5BJDbJfv9vlJVizeEDjhtA9GLQJU80QIhAM1GH34bqZzvto9e\n"
    "pBHcxeT80PYU6CHHV8AQL0xyxpzFAiEAiz3CMDQVtLu5JgMLPMP9U9Q247IlArQl\n"
    "ngKLsisOKIsCIQCI2WpUEnETSnm06cK2ky6YqItOuJrBL4/VYB+ITIRogwIgB/UG\n"
    "b6pcnuMIyHVK9QUtgjQ6nm+haSkynTc7Y6ajXSk=\n"
    "-----END RSA PRIVATE KEY-----\n";

const char rsa_pem_1024[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXgIBAAKBgQC6jixBN7Fr2aXczn1IfCntPbQql07THMaVHYgr+JGD3WlOyGz0\n"
    "ZctXaBYw9/g3cXDykZ7jf8PScPxFVKTOEHkub6HVFxaBaNcm10mYkWDNiqiC0VEa\n"
    "Fn0eHmY4aVx1gy1DW4Leyi4Rb+sO+Smi4Rk2kBdgVnU0w+oSkWE87M0VUQIDAQAB\n"
    "AoGBAIFIT6DuoJS2IzyPGMFn0oJndXjinKyuz2u9KIYYX3d7tCP1v5PrC2zKZD6R\n"
    "ScHaasSfZ/YOr70hsaG2U/O99MuqAtQKTnhntV0loSWURGHGyhCfNLPuKpoEf12W\n"
    "5uRIY7ZLdSQt7DQseYS900qaayQI8ovEQpZkCpHa8PAxC6IBAkEA8ZzrldvmNM7p\n"
    "NZkKoXtDBa908sd1YaVZgJne/9qic38nKBw1cRnlpigSelMJZZ2avW+Cihz5nJdB\n"
    "ts+qDKJ74QJBAMWp+FQVAuqtlOMXEqCVXuV5Kttpwv4vG2LzC18CS0itkiFD8/oX\n"
    "5XYdjJscjy4gd4/QIAB4b2ymIb+JUifZR3ECQGYZN3xWNktufCIID/P5EHNgl3zY\n"
    "SIQAyXeMji10CF3iB3vtn6+xj9fM6zIB0OC93tvaOUF/yQMg78X+rw8zwkECQQCc\n"
    "cLq+6WZGkJ1e4hr3B2F04uI9h8YxYN0fAlcEmg81dVJLi7mkPZd5VUe8V+0mR8H5\n"
    "C3LYjHk7l3zsV+Wy7i+xAkEA59a148mkU+fy0FioZJbXVjJcIZDH1a2UBfBFr691\n"
    "ky7goSp8WHIoNWfwxoBMsbtCXkwHnaoYjt+riMUN0whTGA==\n"
    "-----END RSA PRIVATE KEY-----\n";

const char rsa_pem_1024_e3[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXAIBAAKBgQDacMZrSpOEAFfAfxV/5X1u5b5KLB9Llc4Clc85NkNpYg0hAQP7\n"
    "0UiT1ANHvqjNM+fppw68C1GtprIDLMm3dEARyON8EZUwnJoml+0QfPa0ZcEbf3CJ\n"
    "+WH0irvOWA7/2wPjlOi4rNQ67tPKq41VJWNK3B8uCb4YIsxKVjQW57PmbQIBAwKB\n"
    "gQCRoIRHhw0CquUq/2OqmP5J7n7cHWoyY96sY997eYJGQV4WAK1Si4W34qzafxsz\n"
    "d+/xGgnSsjZzxHasyIZ6TYAKnzwapg2mTYgYwel5dBChUGOFm+qtF1OW9LPL80TS\n"
    "hYzBDZp9jjViVymtSTbjxUKK6yzloE0AvuIKPeWwyxfF0wJBAP0LjLooyvABo6/R\n"
    "5HD9hsS8abnvOFJ7nu/HpZXvB81fuGQ/bKKIEuXHkyl7RXQtgblFcD9JCeM5p8X6\n"
    "iTMDoTsCQQDc/cdeV+w4TF3FPPXd4Duob2lboU4D6PMr5nbVOLxFUQmcQY+0/BSG\n"
    "TbOUP7oJUfjCFmVaAY0hP5MzYQSEDJx3AkEAqLJd0XCHSqvCdTaYS1OvLdLxJp96\n"
    "4ae/SoUZDp9aiOp67X+dwbAMmS+3cPzY+B5We4OgKjCxQiZv2VGwzK0WJwJBAJNT\n"
    "2j7lSCWIPoN9+T6VfRr08OfA3q1F93KZpI4l0tjgsRLWX839YwQzzQ1/0VuL+ywO\n"
    "7jwBCMDVDMzrWFgIaE8CQGnvmbog7jZ8iHYi7SLIefCE8eLC7zbFAO9K432K+mWG\n"
    "u2ZA+JUmRNcisaRR/7UR8ZUnpPZYJ9w1A7PFQ2g7MmI=\n"
    "-----END RSA PRIVATE KEY-----\n";

const char rsa_pem_2048[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIEpAIBAAKCAQEAoCkTLic2EE0Ie2Hb/OnQEFm5EnAN6g4oFJmfE2VeeBRpsnGu\n"
    "hxPt1i9elXo8pWI4anFOd2ybI2JnrbFE9CuGmt/Dy76IPBINpUWK1bwyCtUtWqTc\n"
    "jWLic9zJWPrzIjmF29SKeflajqfvnikToA61wupKYbYOzjxm/SoR8w5kGh6w1xni\n"
    "7R/3TmClLAu1Ior8m7IhUhgfFavFZUgF7DN90itB832Y7EjhvM9TpvgV6YOJb7wv\n"
    "bjSE+sg6TuB0eVAQbrrGL9IO/mz2/viu374r5o9j8G4+pQWFmz/tnZTv2dxSPb/N\n"
    "ghX0ncfBKfBrdfxNqHAkik62n88PNCnSNfr9owIDAQABAoIBABN3dUhaexIXetzG\n"
    "896AFh+r+CMLPEsNi3DtjHiRYp5vxLpsDOLdg5P7+qAVKm0491MguyvS0eHGzS6U\n"
    "aaV6ljLELd/ZebpAwNMsv7I43KWVFvJ52qt+Bbjqxg0AUNsBE4m5AgJ5/Lgde1zF\n"
    "m11h9v+zoHTTPxDG0LHGvPBw+FkgM+XKh2zyO7HfQwZtBi8LADk09qYvWxdKKRtv\n"
    "n3JeKYVI80iutEBJx0HdVptoxA2oe385yAjcxo5VDrzJD2oQ1FabBu8pc+m5mUx6\n"
    "d5C2atH6gkQShtP0KtcS4MUKzLVBnFW7lR4HgN9iwQRYSX47dn4qidXswZdze0Jc\n"
    "ZwtXqIkCgYEA1IV+MG2W9D9XXB0OJcJ8ZBWRaJIC0mtYIw57kHb7xtrDqGEiqSzX\n"
    "fuztzjZVf2n/bjGahNjbzwuf/aMfqNC+P6rzdrEwxezH7NvBWEn6U5cFdP6/6Vn/\n"
    "beJQI2et4gt+JcdW12TrclCaBZ3Sngu6IyWQKUPJqYIRF+rn69/R+ycCgYEAwO0/\n"
    "yVq6EOKnuolx8awZocigOmlPhkdStfeEtZWEopOcrGfWTjDTFtP5t3clqeKUfeTi\n"
    "4cPS9erXeN7LbUEvTL0oOJ35Nl6hdffx0o6AneHG91W2KtWJ1SgyT0kaTO8VscJ2\n"
    "MkGnoAWb2HqfpRN0kTFvuUVNB2kPbyesZwvjZyUCgYEAkoPN8Zk8HvukQK8PV9zz\n"
    "YRS1gMBZDbRPuSt86KX/AqNDjMwa10NA9hJmCGrRGtx66v9rpfbT47QCAxz48Kuo\n"
    "3b//xW53T5zkYFlIvJOT7xkI/BW9PSV8wcbqtN3/tP1zZJw/NJQw9ki3RvP9hlRT\n"
    "aXO2JZzEZQZ0vmaGqclOvLUCgYBV9uEfRW/3Kid2tNuyxe696fmLTXWD7a/rKRlX\n"
    "GAJ7tq5vG+2f9Z15ZIa2uz5rDm0AE8cMtgcAUN4mG5AlZJBA72BGqg1rrorfV9XG\n"
    "7nxc3Uec2fJL7850zm5sabRwZ3ARPwcPqbWZViZ1NV6BXcPpFlAkC78g+C1KaDEn\n"
    "0WJIiQKBgQCcGxsBHjt203fFQ6mukHwd09bHZoS/4bvXUsg2HgR4mmlGTWe/P4BA\n"
    "rROrIMbaZrpLuY0lFtJbothWYBRWtn1StHG48T6cKTLXRj5MwytBzcGbE23o3YLt\n"
    "rEQH8gHlObOroMV4YobFD6RTmipNorc1+HxlKXARvrqVicp40g4oNw==\n"
    "-----END RSA PRIVATE KEY-----\n";

const char rsa_pem_2048_e3[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIEpAIBAAKCAQEA36zx8SC+UUpZTKRNuh+7YvUNyzi3jcLdw+itZru9Jx99gyy3\n"
    "xdkyMeYs/pxsQVdgy8DyVMo+5EG99u+MWUu4eOwlnce5Krwp1u9sn03TlCqjw9JJ\n"
    "/Ob0XKiUKBRjxHxTRW18A9SZ8IsbpMqU8e0lnyjasLAiSmiG3P54IC9ZJwuVjRub\n"
    "T6niZfQx4d+u3dU4WaiE1bAJgkPLy2/J9GklTqRgszog4XZ9Z6oXKrKvv7fVFLPo\n"
    "/jyeb3O38E8Z/uX/4S8UlR31hZsTCZQAueIQE8wX726fIVBeSllGi22CKCxfCdxe\n"
    "KXenvcU+8ulJaw7md5dqLJcB18M94ryvYIkZkwIBAwKCAQEAlR32oMB+4Nw7iG2J\n"
    "Jr/SQfiz3NB6XoHpLUXI7yfTb2pTrMh6g+YhdplzVGhIK4+V3StMOIbUmCvT+fUI\n"
    "O4fQUJ1uaS/Qxygb5J+dv4k3uBxtLTbb/e9NkxsNcA2X2FLiLkj9V+MRSwdnwzG4\n"
    "oUjDv3CRyyAW3EWvPf76wB+QxLEkYfJypaYqyj1DaI2nXwkYRUK0TyIutrAsRITS\n"
    "pbZV2KGD0ZqNCiwbddHxnCSCxaxH3bziQ0H0YIOAQvBp1aVpWIieUqZwaY1NOTaS\n"
    "Ps2nCciVPwtGmZTQldMwE9QeiG/rnFJKiW+/YUtp/MoDv9U82R5eksb9LcGjnmoB\n"
    "OiqzOwKBgQD5LVkwZoykylL5QdUFZyZ1GikbfjWmm/w+epOCGcA0YXwEg0VhRkd5\n"
    "ZXIi3QmY2VecZA4pMKrrzVolsc6dAXcCtD8AYDp6oAo+HfpQxWVg/jB7gN89Bg85\n"
    "wY1lcBqob21oBMfzLiV86AWYwgBRM4DjcKwMKtCO+9oPiMiVRf7XtwKBgQDlzNa+\n"
    "8KP9bEVTgzYuaCEe15ta4Mcc1D9K6hUL4hdwKDYWdYzsC+za0X0J43JSvd3M5Aps\n"
    "aK7EEVRR2hfePPbfKCMmuOnSRzzhFcfUlkg0hu68j/54NOHrqA8Y/ZSr7BcVmpj7\n"
    "LSqLw86HNbnyl84nwT3QJZv3F0a47FUYQ0o1BQKBgQCmHjt1mbMYhuH7gTiuRMRO\n"
    "EXC8/s5vEqgppw0BZoAi66gDAi5A2YT7mPbB6LEQkOUS7V7GIHHyiObDy98TVk9X\n"
    "ItSq6tGnFVwpaVGLLkOV/sr9AJTTWV971l5DoBHFn55FWIVMyW5TRVkQgVWLd6tC\n"
    "Sx1dceBfUpFfsIW42VSPzwKBgQCZMznUoG1TnYONAiQe8BYUj7znQIS94tTcnA4H\n"
    "7A+gGs65o7NIB/M8i6ixQkw3KT6ImAby8HSCtjg2kWU+008/cBdvJfE22iiWDoU4\n"
    "ZDAjBJ8oX/76zevycAoQqQ3H8roOZxCnc3GygomveSahuolv1ik1bmf6D4R7SDi6\n"
    "14bOAwKBgQDw5wpgCFgJTB/mb2B6m5ZevepUYQXtr3pPhQQ8Moyonb97WN/AH83C\n"
    "SWn5H8JlRwrtaz74Cd+L+I08b0500raooi+Y6z6pj7/he0TImsjx3ZBIBO287uQX\n"
    "eANKrC6gXcmMllwaqXI99y1F/3rc29M7OtS/Bcp5eV1jFHQ0Y8/kpw==\n"
    "-----END RSA PRIVATE KEY-----\n";

const char rsa_pem_4096[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIJJwIBAAKCAgEAyPj+H7ThZ5N6ilFO2a6bZjeHU2pimm4BjDcNvmP8DlLvLTPZ\n"
    "RQUWQ2AqDRrbqp+3AHQZyu+6PDc1pjOk+8pIu4X/YjLGdtLkHXfkqulnun0RZ51Z\n"
    "v+lgYPEFFSKc5lYJ6Eg8VQABMnrgsAQPe1CGAyWSow14KJjuLovnYjLczndx2wVI\n"
    "OHzSCtzbtd9POUQxvSHr3aA9X12o3KRcjfq/l9ziz/AYtiY0ajHQphAdKYg1QzRk\n"
    "xYo9yJYajBkvQdEvwZpaIWJWTXjSHGggKL8LDXWtYmKis3Fkrl+oxarfZqGhO4us\n"
    "sgXOioC2voC8ATbMlG2mt9wChURbP5UZLlD+V1AzSg/orPDt4N11VqUD7L0DWyE3\n"
    "ZNGnY7V5UUrDtVCNhskJoVyRV2HgodnvUh6IdUffoA9OM7SrpyeXSWqB1UtZJVcU\n"
    "W8oPiY2DlaiVIeqBWuX8Bks6QTrawHRQiQeD2dyECavJW+vyyJxt2cGyA92XlKq2\n"
    "xbrTAp0Bq2ZzVd7dvvTXO4S8a8db0sihQGofBk5lfWoAHuo1SOjMNirCY+jViZo6\n"
    "MUJuxme4MwGuEOO6FxWB5jh67ZvHqlpQPCNmVrfsllD4NVjfYcXm23/ddjiZ1QUA\n"
    "hZYhbw7qT6RWPVoYIJan7OKDVsz8UX17Wn89axmJYGP0rY41V6TwSwKBFvcCAwEA\n"
    "AQKCAgAgTydLoaC7LhJ9OiUbCd8hx7uRxYCkoxrMl+01to1HID4jXjqHxhGWM1eP\n"
    "U8oM3DBnekLLRU8DbzzIw3S6pgKbYydzegY+BBl4Q1YXw/5RFNo/diR/nd1IuHbA\n"
    "txfST/K3zSUl5SJMI0UMBxsWEBP7XYb9f6TZofxor0U7nEGzT7CWLXs22ZpK9Ma9\n"
    "rnDmG/iDF3j74E79jekfz6yxhqZWm8Q6+bZ/UhULHYcVq3GEw8kMTNgGifr0zGzo\n"
    "KQRX6HFtBouG4nBNdCcTOgoxgsUcHNcLAiB2CLzO68IORTI1JbbuA753wEc8LQU0\n"
    "Cy4uY8jv89DhrhUZp6ujxSyPLaY1yf3J5x9H8AKnZ0gBphtZ0ZjKlic1DnEs6jMV\n"
    "j04edK9no4OC+m/dTCjIza4wrGa3T8+0YDlna47CDIX1+u4oLiIpQM3Yg40IqmkY\n"
    "rkFAlhyz+l+byOXFt4J1H6QXohidPpYqNolYXLyl54AxD/cd1+luERaaW108hisX\n"
    "CKrqoqnvr6xpEL+5chCR9LFeO/h23JD/4xHuxfjgcL4GbIPi7v+vtrBq9+Bm+Q83\n"
    "mIq5q5OLhE4Lo0yZ0tuk8Q2EIOBrrYBSsnBR/2VaGDxZG8ahYyI3ug4E5JFhb0Ff\n"
    "ycA8oDf6/n63IQ6/hcEMFWAkiJDxRH6uRFe8LGsSPLB5SZPTAQKCAQEA+lD2TrZr\n"
    "xC+rkIc12VrR2u/cZftVjPx0QEZuAffhjuWnk4ii3nxHceEOlH4h04OeqjcMMQ69\n"
    "nTvDL1HHw9JtyKy54GyrGdDy4mMghogkIuJbJ+jtnUoVn680HQcbsxyUo1aTz/5c\n"
    "Y0eDUvnbPSSWecBHbsxf5n0PO58PpAmadKvGIT1CmficyTphnkAf2lSyaHS/rkbQ\n"
    "sicA4M/BDiGGRXAua0Ozi6m9tkdlAwVNo1Xqt82t8DmY3Fb4dOTk1kJBRxUBFP0e\n"
    "hmGHUrkD+g3RsJVKsbcZADEFPBNBuupLVyIIGTgrv4ocFe8RL4vamWO5I5CX8FDp\n"
    "TR7NzTvBoOeP0QKCAQEAzYk0uo7/S/mz/XFQE3XKSgG0Z/7yKw1nsp+NgRPNd9fH\n"
    "bG/s2onkTGBBqyDBPQnNUkM0CjtjT3aOwEocW1vwceZcOs66kWXAR4+Rh0bALSdn\n"
    "Xr2dCmz/KKzku8CZsU/ELHXAMTv13IUblqsvTbuMg7y4eKS5wRoVgj63RS8kokKh\n"
    "tGajQ5Pv/nhtWCwvNHZ7CnzIIYkN4ZCOKdiEZ/383RA/nuxXzW4sbHqzwlg8Mqhs\n"
    "UjKRqjeukKfnbmX3gq371T1vEYhL5SsCvtTIW6MBA457QRHbUfKZoDuSmSRCFeYU\n"
    "DmdCZ9YIQsxIgbuNroNYadMBhrzUSXb78z3RpCX0RwKCAQBvTo0YFzn4dRIfJGCn\n"
    "lCD47+vbVVWHacLvyeGk8mrUNf68NefmcvD6DI+FLEkyWra1DeFX9ywNvMNgSUdB\n"
    "JlM3BsdoqimzQxyd2mJeMC+Ra4IJTyRJ6uWOqkPMHJsOnEjkEN2NgZfndadJwFzi\n"
    "5WAcJ4ocFLkYLsgVRPeZg8Ow2akyoqD5AnoFaPZ7fhwr47mphTCu+EJY1csoLHm2\n"
    "JOYl/mpFvEccdZAse7bJDxSk6tGChe0wgwwb/nhg0l+HftK0HvzqLlvieX/JIwhH\n"
    "qtlxYhFi0P5G/YVMX2u9B+4UgseDH10kwO8YOcQ0lkXQK23qCKPncrMrXeU5u7aw\n"
    "LAfhAoIBAG+MN4HIeeXR701tYfgtxUvFARQv2V5kOBNJZJLZHHoeMa04UWOJ0s1g\n"
    "sEMf08A8waITtvqWoJ9PyMmzbxBmJWirjQKdj8O5ZVFxKZoxW7sl14QjhEdUQGbi\n"
    "7oC3VrJUiDNY9KXD1PuJgh+TaGjXkLsugS94txeGAIZfYze5DjjB0OEHkzPp5iZF\n"
    "VZK06Cmg48YdUsBgkZgJzB4J1FJcFhAj8WNfAYgMcy+sqEKhgIo9vgweRdALyEHZ\n"
    "3lCcJmhV5IcmgFETl50YarUG5nZVUQeNHHeEKXOgJqA/tKBIfVVFOT1X7UJNds5J\n"
    "8E/4ajx8LE/CpOFrOgtk9/hbZJuhvaECggEACehywpgUgL9g1xmLC+2eeERXD/RA\n"
    "Y07amHXXSTbg05E4F8w5IFEcEOIaG1WBPu+nXye2wYGqh6rF/A84+IRRcVX5Ccs0\n"
    "NJQUMNWsjd8fcLBi6FD0IkDK6tcUzoTeFLi4EaniCNP4Gzb6Bl9RvrQuz4e6UWT6\n"
    "vs5wkfh9JTP+okJLDUoT+46aKGXa7PKfhHwHHU+aaZbVoqQ2zmX3CHsPUArMWL3/\n"
    "dK8vdyktmpvk+BW8sV/7q4TIo/l9DRuB6601IUwGtnEWDj5B3sdi6rq3fCzmoVm1\n"
    "HINrsVMrknsOraLaoyLd4qSe2AMCXbxJQdNzgL741lvxnXW257ab5pHlrA==\n"
    "-----END RSA PRIVATE KEY-----\n";
