#include "kernel_pair.h"

void pair_permit(struct fake *f, unsigned x, unsigned reqid, const char *more)
{
    fake_feed(f, PEER_PLUTOD, "permit exchange=%u connection=net " HOSTS " " CLIENTS
              " esp=aes256-sha2_256,aes128gcm16 modes=tunnel life=3600 reqid=%u policies=yes%s", x,
              reqid, more);
}

void pair_keys(struct fake *f, unsigned x, uint32_t spi_in)
{
    fake_feed(f, PEER_SECRETS, "sa-keys id=1 exchange=%u protocol=esp proposal=aes256-sha2_256 "
              "spi-in=%08" PRIx32 " spi-out=%08" PRIx32 " key-in=" KEY32_A " key-out=" KEY32_B
              " auth-in=" KEY32_B " auth-out=" KEY32_A, x, spi_in, SPI_OUT + x);
}

void pair_install(struct fake *f, unsigned x, uint32_t spi_in, const char *activate)
{
    fake_feed(f, PEER_NEGOTIATE, "install id=2 exchange=%u protocol=esp proposal=aes256-sha2_256 "
              "mode=tunnel spi-in=%08" PRIx32 " spi-out=%08" PRIx32 " " HOSTS " " CLIENTS
              " life=3600 activate=%s", x, spi_in, SPI_OUT + x, activate);
}

uint32_t pair_up(struct fake *f, unsigned x, unsigned reqid, const char *activate)
{
    uint32_t spi = fake_spi(f);
    pair_permit(f, x, reqid, "");
    pair_keys(f, x, spi);
    pair_install(f, x, spi, activate);
    fake_expect(f, PEER_NEGOTIATE, "ok id=2 re=install\n");
    return spi;
}

void pair_delete(struct fake *f, unsigned x, const char *policies)
{
    fake_feed(f, PEER_PLUTOD, "delete-kernel-sa id=8 exchange=%u policies=%s", x, policies);
    fake_expect(f, PEER_PLUTOD, "ok id=8 re=delete-kernel-sa");
}
