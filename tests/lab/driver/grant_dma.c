/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * For scenarios of the lab: has the drivers of one PCI function grant their buffers to the device's emulator, page by page,
 * for as long as each transfer lasts, instead of letting it reach all memory. The kernel's own drivers then run unchanged:
 * the DMA addresses that they are given have bit 63 set, and below it the grant's reference and the offset. Linux has
 * this built in for guests whose device tree asks for it; on x86 it has to be put in the way by hand, before the driver
 * is bound.
 *
 *   function  the function, as 0000:00:01.0
 *   domain    whom the pages are granted to (0)
 *
 * The end of a transfer takes the grants back, and is counted in `busy` when the emulator still had one mapped.
 */
#include <linux/dma-map-ops.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/scatterlist.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#define MARK (1ULL << 63)

static char *function = "";
module_param(function, charp, 0444);
static unsigned int domain;
module_param(domain, uint, 0444);
static atomic_t transfers = ATOMIC_INIT(0), busy = ATOMIC_INIT(0);

static struct pci_dev *bound;
static const struct dma_map_ops *before;

static dma_addr_t grant(unsigned long pfn, unsigned int pages, bool readonly)
{
    grant_ref_t first;
    unsigned int i;

    if (gnttab_alloc_grant_reference_seq(pages, &first) < 0)
        return DMA_MAPPING_ERROR;
    for (i = 0; i < pages; i++)
        gnttab_grant_foreign_access_ref(first + i, domain, pfn_to_gfn(pfn + i), readonly);
    return MARK | (dma_addr_t)first << PAGE_SHIFT;
}

static void take_back(dma_addr_t address, unsigned int pages)
{
    grant_ref_t first = (address & ~MARK) >> PAGE_SHIFT;
    unsigned int i;

    atomic_inc(&transfers);
    for (i = 0; i < pages; i++) {
        if (!gnttab_end_foreign_access_ref(first + i)) {
            atomic_inc(&busy);
            pr_err("grant_dma: grant %u is still mapped by the emulator\n", first + i);
            return; /* lost: it must not be granted again */
        }
    }
    gnttab_free_grant_reference_seq(first, pages);
}

static void *alloc(struct device *dev, size_t size, dma_addr_t *address, gfp_t gfp, unsigned long attrs)
{
    unsigned int pages = PFN_UP(size);
    void *memory = alloc_pages_exact((size_t)pages << PAGE_SHIFT, gfp | __GFP_ZERO);

    if (!memory)
        return NULL;
    *address = grant(PFN_DOWN(virt_to_phys(memory)), pages, false);
    if (*address == DMA_MAPPING_ERROR) {
        free_pages_exact(memory, (size_t)pages << PAGE_SHIFT);
        return NULL;
    }
    return memory;
}

static void free_memory(struct device *dev, size_t size, void *memory, dma_addr_t address, unsigned long attrs)
{
    unsigned int pages = PFN_UP(size);

    take_back(address, pages);
    free_pages_exact(memory, (size_t)pages << PAGE_SHIFT);
}

static dma_addr_t map_page(struct device *dev, struct page *page, unsigned long offset, size_t size,
                           enum dma_data_direction direction, unsigned long attrs)
{
    unsigned long start = PFN_PHYS(page_to_pfn(page)) + offset;
    dma_addr_t address = grant(PFN_DOWN(start), PFN_UP(offset_in_page(start) + size), direction == DMA_TO_DEVICE);

    return address == DMA_MAPPING_ERROR ? address : address + offset_in_page(start);
}

static void unmap_page(struct device *dev, dma_addr_t address, size_t size, enum dma_data_direction direction,
                       unsigned long attrs)
{
    take_back(address, PFN_UP(offset_in_page((unsigned long)address) + size));
}

static void unmap_sg(struct device *dev, struct scatterlist *list, int count, enum dma_data_direction direction,
                     unsigned long attrs)
{
    struct scatterlist *entry;
    int i;

    for_each_sg(list, entry, count, i) unmap_page(dev, sg_dma_address(entry), sg_dma_len(entry), direction, attrs);
}

static int map_sg(struct device *dev, struct scatterlist *list, int count, enum dma_data_direction direction,
                  unsigned long attrs)
{
    struct scatterlist *entry;
    int i;

    for_each_sg(list, entry, count, i)
    {
        sg_dma_address(entry) = map_page(dev, sg_page(entry), entry->offset, entry->length, direction, attrs);
        if (sg_dma_address(entry) == DMA_MAPPING_ERROR) {
            unmap_sg(dev, list, i, direction, attrs);
            return -ENOMEM;
        }
        sg_dma_len(entry) = entry->length;
    }
    return count;
}

static int supported(struct device *dev, u64 mask)
{
    return mask == DMA_BIT_MASK(64);
}

static const struct dma_map_ops ops = {
    .alloc = alloc,
    .free = free_memory,
    .map_page = map_page,
    .unmap_page = unmap_page,
    .map_sg = map_sg,
    .unmap_sg = unmap_sg,
    .dma_supported = supported,
};

static int show(char *text, const struct kernel_param *parameter)
{
    return sysfs_emit(text, "transfers %d busy %d\n", atomic_read(&transfers), atomic_read(&busy));
}
static const struct kernel_param_ops report = {.get = show};
module_param_cb(report, &report, NULL, 0444);

static int __init start(void)
{
    unsigned int segment, bus, slot, number;

    if (sscanf(function, "%x:%x:%x.%x", &segment, &bus, &slot, &number) != 4)
        return -EINVAL;
    bound = pci_get_domain_bus_and_slot((int)segment, bus, PCI_DEVFN(slot, number));
    if (!bound)
        return -ENODEV;
    if (bound->dev.driver) {
        pci_dev_put(bound);
        return -EBUSY;
    }
    before = bound->dev.dma_ops;
    set_dma_ops(&bound->dev, &ops);
    pci_info(bound, "its drivers grant their buffers to domain %u\n", domain);
    return 0;
}

static void __exit end(void)
{
    set_dma_ops(&bound->dev, before);
    pci_dev_put(bound);
}

module_init(start);
module_exit(end);
MODULE_DESCRIPTION("DMA by grants, for tests");
MODULE_LICENSE("Dual BSD/GPL");
