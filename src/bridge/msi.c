/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI, see msi.h.
 */
#include "bridge/msi.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bridge/pci_registers.h"

struct msi {
    const struct bridge_platform *platform;
    void *context;
    unsigned vectors;
    atomic_bool enabled;
    pthread_mutex_t lock;
    /* Under the lock, as the guest last wrote them. */
    bool bus_master;
    unsigned granted;
    uint64_t address;
    uint32_t data;
    uint32_t mask;
    uint32_t pending;
};

static unsigned log2_of(unsigned vectors)
{
    unsigned bits = 0;

    while (vectors >> (bits + 1) != 0) {
        bits++;
    }
    return bits;
}

struct msi *msi_create(unsigned vectors, const struct bridge_platform *platform, void *context)
{
    struct msi *msi = calloc(1, sizeof(*msi));

    if (msi == NULL) {
        return NULL;
    }
    msi->platform = platform;
    msi->context = context;
    msi->vectors = vectors;
    msi->granted = 1;
    pthread_mutex_init(&msi->lock, NULL);
    return msi;
}

void msi_destroy(struct msi *msi)
{
    if (msi != NULL) {
        pthread_mutex_destroy(&msi->lock);
        free(msi);
    }
}

void msi_build(const struct msi *msi, struct config_space *config, unsigned reg)
{
    uint32_t mask = UINT32_MAX >> (32 - msi->vectors);

    config_space_set(config, reg + PCI_MSI_CONTROL, 2,
                     PCI_MSI_64BIT | PCI_MSI_MASKABLE | log2_of(msi->vectors) << PCI_MSI_CAPABLE_SHIFT);
    config_space_set_writable(config, reg + PCI_MSI_CONTROL, 2, PCI_MSI_ENABLE | PCI_MSI_GRANTED_MASK);
    config_space_set_writable(config, reg + PCI_MSI_ADDRESS, 4, 0xfffffffcu);
    config_space_set_writable(config, reg + PCI_MSI_ADDRESS + 4, 4, 0xffffffffu);
    config_space_set_writable(config, reg + PCI_MSI_DATA, 2, 0xffffu);
    config_space_set_writable(config, reg + PCI_MSI_MASK, 4, mask);
}

/* Sends what pends and may go. The lock is held. */
static void deliver(struct msi *msi)
{
    uint32_t ready = msi->bus_master ? msi->pending & ~msi->mask : 0;

    for (unsigned i = 0; i < msi->vectors; i++) {
        if ((ready >> i & 1) != 0) {
            /* §6.8.3.4: the function fills in as many low bits as it was granted vectors for; fewer, perhaps, than
             * when it pended. */
            msi->platform->message(msi->context, msi->address,
                                   (msi->data & ~(msi->granted - 1)) | (i < msi->granted ? i : msi->granted - 1));
        }
    }
    msi->pending &= ~ready;
}

void msi_sync(struct msi *msi, const struct config_space *config, unsigned reg, bool bus_master)
{
    uint32_t control = config_space_get(config, reg + PCI_MSI_CONTROL, 2);
    unsigned granted = 1u << ((control & PCI_MSI_GRANTED_MASK) >> PCI_MSI_GRANTED_SHIFT);
    bool enabled = (control & PCI_MSI_ENABLE) != 0;

    pthread_mutex_lock(&msi->lock);
    atomic_store(&msi->enabled, enabled);
    msi->bus_master = bus_master;
    msi->granted = granted < msi->vectors ? granted : msi->vectors;
    msi->address = config_space_get(config, reg + PCI_MSI_ADDRESS, 4) |
                   (uint64_t)config_space_get(config, reg + PCI_MSI_ADDRESS + 4, 4) << 32;
    msi->data = config_space_get(config, reg + PCI_MSI_DATA, 2);
    msi->mask = config_space_get(config, reg + PCI_MSI_MASK, 4);
    if (enabled) {
        deliver(msi);
    } else {
        msi->pending = 0;
    }
    pthread_mutex_unlock(&msi->lock);
}

void msi_reset(struct msi *msi)
{
    pthread_mutex_lock(&msi->lock);
    msi->pending = 0;
    atomic_store(&msi->enabled, false);
    pthread_mutex_unlock(&msi->lock);
}

uint32_t msi_pending(struct msi *msi)
{
    pthread_mutex_lock(&msi->lock);
    uint32_t pending = msi->pending;
    pthread_mutex_unlock(&msi->lock);
    return pending;
}

bool msi_is_enabled(const struct msi *msi)
{
    return atomic_load(&msi->enabled);
}

void msi_raise(struct msi *msi, unsigned vector)
{
    pthread_mutex_lock(&msi->lock);
    if (atomic_load(&msi->enabled)) {
        msi->pending |= UINT32_C(1) << (vector < msi->granted ? vector : msi->granted - 1);
        deliver(msi);
    }
    pthread_mutex_unlock(&msi->lock);
}
