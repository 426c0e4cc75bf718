/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * For scenarios of the lab: a Linux driver for edu, QEMU's or ioreqd's, that does with the device what drivers do with
 * theirs: interrupts by line or by message, and coherent DMA. A function that it is bound to has to pass a test, of
 * which each step leaves a line in the kernel's log. Then sysfs has, in the folder of the function:
 *
 *   selftest    write N: the test again, with N factorials
 *   raise       write bits: raises them
 *   hold        write 1: an interrupt by line is answered with the interrupt disable bit alone, and stays raised
 *   share       write 1: it and the function beside it (devfn ^ 1) raise the line that they share at the same time
 *   interrupts  read: how many the function had since it was bound
 *
 * Registers: QEMU docs/specs/edu.rst.
 */
#include <linux/completion.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>

#ifndef PCI_IRQ_INTX
#define PCI_IRQ_INTX PCI_IRQ_LEGACY /* its name before Linux 6.8 */
#endif

#define REG_IDENTIFICATION 0x00
#define REG_LIVENESS       0x04
#define REG_FACTORIAL      0x08
#define REG_STATUS         0x20
#define REG_IRQ_STATUS     0x24
#define REG_IRQ_RAISE      0x60
#define REG_IRQ_ACK        0x64
#define REG_DMA_SOURCE     0x80
#define REG_DMA_TARGET     0x88
#define REG_DMA_COUNT      0x90
#define REG_DMA_COMMAND    0x98

#define STATUS_COMPUTING 0x01
#define STATUS_INTERRUPT 0x80
#define DMA_START        1
#define DMA_TO_RAM       2
#define DMA_INTERRUPT    4
#define IRQ_FACTORIAL    0x001
#define IRQ_DMA          0x100

#define EDU_BUFFER 0x40000
#define PART       2048 /* QEMU's device ends the emulator when its whole buffer is transferred */
#define TIMEOUT    (5 * HZ)

static bool msi = true;
module_param(msi, bool, 0444);
MODULE_PARM_DESC(msi, "interrupts by message; 0: by line");

static unsigned int factorials = 200;
module_param(factorials, uint, 0644);
MODULE_PARM_DESC(factorials, "how many numbers the test computes");

static unsigned int dma_bits = 28;
module_param(dma_bits, uint, 0444);
MODULE_PARM_DESC(dma_bits, "the bits of an address that the device puts out: 28, or as its dma-mask= says");

struct edu {
    struct pci_dev *pdev;
    void __iomem *regs;
    u8 *memory; /* two parts: what is sent, and what comes back */
    dma_addr_t address;
    int irq;
    struct mutex lock; /* one test at a time */
    struct completion came;
    u32 bits; /* of the last interrupt; valid once came is complete */
    bool hold;
    bool overlook; /* the next interrupt, once */
    atomic_t interrupts;
};

/* An interrupt of a neighbour on the line is no interrupt of ours, and is not counted. */
static irqreturn_t edu_interrupt(int irq, void *data)
{
    struct edu *edu = data;
    u16 command;
    u32 bits;

    if (READ_ONCE(edu->hold)) {
        /* Interrupt status does not heed the disable bit: with that set, it was the neighbour. */
        pci_read_config_word(edu->pdev, PCI_COMMAND, &command);
        if ((command & PCI_COMMAND_INTX_DISABLE) != 0 || !pci_check_and_mask_intx(edu->pdev))
            return IRQ_NONE;
        atomic_inc(&edu->interrupts);
        return IRQ_HANDLED;
    }
    bits = ioread32(edu->regs + REG_IRQ_STATUS);
    if (bits == 0)
        return IRQ_NONE;
    if (edu->overlook) {
        edu->overlook = false;
        return IRQ_HANDLED;
    }
    iowrite32(bits, edu->regs + REG_IRQ_ACK);
    edu->bits = bits;
    atomic_inc(&edu->interrupts);
    complete(&edu->came);
    return IRQ_HANDLED;
}

/* Waits for the interrupt of what was just started, which has to have these bits. */
static int edu_wait(struct edu *edu, const char *what, u32 bits)
{
    struct device *dev = &edu->pdev->dev;

    if (wait_for_completion_timeout(&edu->came, TIMEOUT) == 0) {
        dev_err(dev, "%s: no interrupt in 5 s (interrupt status 0x%x, status 0x%x)\n", what,
                ioread32(edu->regs + REG_IRQ_STATUS), ioread32(edu->regs + REG_STATUS));
        return -ETIMEDOUT;
    }
    if (edu->bits != bits) {
        dev_err(dev, "%s: the interrupt has the bits 0x%x instead of 0x%x\n", what, edu->bits, bits);
        return -EIO;
    }
    return 0;
}

static int edu_test_registers(struct edu *edu)
{
    static const u32 patterns[] = {0, 0xffffffff, 0x12345678, 0xdeadbeef, 0x80000001};
    struct device *dev = &edu->pdev->dev;
    u32 got = ioread32(edu->regs + REG_IDENTIFICATION);
    unsigned int i;

    dev_info(dev, "identification 0x%08x\n", got);
    if ((got & 0xffff) != 0x00ed) {
        dev_err(dev, "that is not edu's\n");
        return -ENODEV;
    }
    for (i = 0; i < ARRAY_SIZE(patterns); i++) {
        iowrite32(patterns[i], edu->regs + REG_LIVENESS);
        got = ioread32(edu->regs + REG_LIVENESS);
        if (got != ~patterns[i]) {
            dev_err(dev, "liveness: 0x%x written, 0x%x read\n", patterns[i], got);
            return -EIO;
        }
    }
    dev_info(dev, "liveness: %u numbers came back inverted\n", i);
    return 0;
}

static int edu_test_factorials(struct edu *edu, unsigned int count)
{
    struct device *dev = &edu->pdev->dev;
    u32 expected = 1, got;
    unsigned int n;
    int error = 0;

    iowrite32(STATUS_INTERRUPT, edu->regs + REG_STATUS);
    for (n = 0; n < count && error == 0; n++) {
        expected *= n == 0 ? 1 : n;
        reinit_completion(&edu->came);
        iowrite32(n, edu->regs + REG_FACTORIAL);
        error = edu_wait(edu, "factorial", IRQ_FACTORIAL);
        if (error != 0)
            break;
        got = ioread32(edu->regs + REG_FACTORIAL);
        if (got != expected || (ioread32(edu->regs + REG_STATUS) & STATUS_COMPUTING) != 0) {
            dev_err(dev, "factorial of %u: 0x%x instead of 0x%x, or still busy\n", n, got, expected);
            error = -EIO;
        }
    }
    iowrite32(0, edu->regs + REG_STATUS);
    if (error == 0)
        dev_info(dev, "factorials: %u by interrupt, all right\n", n);
    return error;
}

static int edu_transfer(struct edu *edu, u64 source, u64 target, u64 command)
{
    reinit_completion(&edu->came);
    writeq(source, edu->regs + REG_DMA_SOURCE);
    writeq(target, edu->regs + REG_DMA_TARGET);
    writeq(PART, edu->regs + REG_DMA_COUNT);
    writeq(command | DMA_START | DMA_INTERRUPT, edu->regs + REG_DMA_COMMAND);
    return edu_wait(edu, command == DMA_TO_RAM ? "DMA to memory" : "DMA from memory", IRQ_DMA);
}

static int edu_test_dma(struct edu *edu)
{
    struct device *dev = &edu->pdev->dev;
    static atomic_t round = ATOMIC_INIT(0);
    u32 state = atomic_inc_return(&round); /* other bytes each time, so that none of an earlier test pass for these */
    unsigned int i;
    int error;

    for (i = 0; i < PART; i++) {
        state = state * 1664525 + 1013904223;
        edu->memory[i] = state >> 24;
    }
    memset(edu->memory + PART, 0, PART);
    error = edu_transfer(edu, edu->address, EDU_BUFFER, 0);
    if (error == 0)
        error = edu_transfer(edu, EDU_BUFFER, edu->address + PART, DMA_TO_RAM);
    if (error != 0)
        return error;
    if (memcmp(edu->memory, edu->memory + PART, PART) != 0) {
        dev_err(dev, "DMA: the bytes that came back are not those sent\n");
        return -EIO;
    }
    dev_info(dev, "DMA: %u bytes there and back by interrupt, the same\n", PART);
    return 0;
}

static const u32 raised[] = {1, 0x10, 0x8000, 0x80000000, 0x00a5a5a0, 0xffffffff};

static int edu_test_raise(struct edu *edu)
{
    struct device *dev = &edu->pdev->dev;
    unsigned int i;
    int error;

    for (i = 0; i < ARRAY_SIZE(raised); i++) {
        reinit_completion(&edu->came);
        iowrite32(raised[i], edu->regs + REG_IRQ_RAISE);
        error = edu_wait(edu, "raise", raised[i]);
        if (error != 0)
            return error;
        if (ioread32(edu->regs + REG_IRQ_STATUS) != 0) {
            dev_err(dev, "raise: 0x%x stays after the acknowledgement\n", ioread32(edu->regs + REG_IRQ_STATUS));
            return -EIO;
        }
    }
    dev_info(dev, "raise: %u patterns of bits, each with an interrupt\n", i);
    return 0;
}

static int edu_test(struct edu *edu, unsigned int count)
{
    struct device *dev = &edu->pdev->dev;
    unsigned int expected = count + 2 + ARRAY_SIZE(raised);
    unsigned int before, taken;
    int error;

    mutex_lock(&edu->lock);
    before = atomic_read(&edu->interrupts);
    error = edu_test_registers(edu);
    if (error == 0)
        error = edu_test_factorials(edu, count);
    if (error == 0)
        error = edu_test_dma(edu);
    if (error == 0)
        error = edu_test_raise(edu);
    taken = atomic_read(&edu->interrupts) - before;
    mutex_unlock(&edu->lock);

    dev_info(dev, "%u interrupts by %s %d\n", taken, edu->pdev->msi_enabled ? "message" : "line", edu->irq);
    if (error == 0 && taken != expected) {
        dev_err(dev, "there should have been %u\n", expected);
        error = -EIO;
    }
    if (error == 0)
        dev_info(dev, "edu: all well\n");
    else
        dev_err(dev, "edu: failed with %d\n", error);
    return error;
}

static ssize_t selftest_store(struct device *dev, struct device_attribute *attr, const char *text, size_t length)
{
    unsigned int count;
    int error = kstrtouint(text, 0, &count);

    if (error == 0)
        error = edu_test(dev_get_drvdata(dev), count);
    return error != 0 ? error : (ssize_t)length;
}
static DEVICE_ATTR_WO(selftest);

static ssize_t raise_store(struct device *dev, struct device_attribute *attr, const char *text, size_t length)
{
    struct edu *edu = dev_get_drvdata(dev);
    u32 bits;
    int error = kstrtou32(text, 0, &bits);

    if (error != 0)
        return error;
    iowrite32(bits, edu->regs + REG_IRQ_RAISE);
    return (ssize_t)length;
}
static DEVICE_ATTR_WO(raise);

static ssize_t hold_store(struct device *dev, struct device_attribute *attr, const char *text, size_t length)
{
    struct edu *edu = dev_get_drvdata(dev);
    bool hold;
    int error = kstrtobool(text, &hold);

    /* There is no disable bit for a message. */
    if (error == 0 && hold && edu->pdev->msi_enabled)
        error = -EINVAL;
    if (error != 0)
        return error;
    WRITE_ONCE(edu->hold, hold);
    return (ssize_t)length;
}
static DEVICE_ATTR_WO(hold);

/*
 * The other function acknowledges while this one does not: the line has to stay raised for this one, and so interrupt
 * again. Interrupts are off until both are raised, as it would be two interrupts otherwise. For guests with one CPU.
 */
static int edu_test_share(struct edu *edu, struct edu *other)
{
    unsigned long flags;
    int error;

    reinit_completion(&edu->came);
    reinit_completion(&other->came);
    local_irq_save(flags);
    edu->overlook = true;
    iowrite32(1, edu->regs + REG_IRQ_RAISE);
    iowrite32(2, other->regs + REG_IRQ_RAISE);
    local_irq_restore(flags);
    error = edu_wait(other, "share, acknowledged", 2);
    if (error == 0)
        error = edu_wait(edu, "share, overlooked", 1);
    return error;
}

static ssize_t share_store(struct device *dev, struct device_attribute *attr, const char *text, size_t length)
{
    struct edu *edu = dev_get_drvdata(dev);
    struct pci_dev *pdev = pci_get_slot(edu->pdev->bus, edu->pdev->devfn ^ 1);
    int error = -ENODEV;

    if (pdev && pdev->dev.driver == dev->driver && !edu->pdev->msi_enabled) {
        mutex_lock(&edu->lock);
        error = edu_test_share(edu, pci_get_drvdata(pdev));
        mutex_unlock(&edu->lock);
    }
    pci_dev_put(pdev);
    return error != 0 ? error : (ssize_t)length;
}
static DEVICE_ATTR_WO(share);

static ssize_t interrupts_show(struct device *dev, struct device_attribute *attr, char *text)
{
    struct edu *edu = dev_get_drvdata(dev);

    return sysfs_emit(text, "%d\n", atomic_read(&edu->interrupts));
}
static DEVICE_ATTR_RO(interrupts);

static struct attribute *edu_attrs[] = {&dev_attr_selftest.attr, &dev_attr_raise.attr,      &dev_attr_hold.attr,
                                        &dev_attr_share.attr,    &dev_attr_interrupts.attr, NULL};
ATTRIBUTE_GROUPS(edu);

/* Before its interrupt goes: a neighbour on the line could not work if ours stayed raised. */
static void edu_silence(struct edu *edu)
{
    iowrite32(0, edu->regs + REG_STATUS);
    iowrite32(0xffffffff, edu->regs + REG_IRQ_ACK);
    ioread32(edu->regs + REG_IRQ_STATUS);
}

static int edu_take_interrupt(struct edu *edu)
{
    struct pci_dev *pdev = edu->pdev;
    int error = pci_alloc_irq_vectors(pdev, 1, 1, msi ? PCI_IRQ_MSI : PCI_IRQ_INTX);

    if (error < 0) {
        dev_err(&pdev->dev, "no %s for its interrupts (%d)\n", msi ? "message" : "line", error);
        return error;
    }
    edu->irq = pci_irq_vector(pdev, 0);
    edu_silence(edu);
    error = request_irq(edu->irq, edu_interrupt, pdev->msi_enabled ? 0 : IRQF_SHARED, "edu", edu);
    if (error != 0) {
        dev_err(&pdev->dev, "cannot have interrupt %d (%d)\n", edu->irq, error);
        pci_free_irq_vectors(pdev);
    }
    return error;
}

static void edu_give_interrupt_back(struct edu *edu)
{
    edu_silence(edu);
    free_irq(edu->irq, edu);
    pci_free_irq_vectors(edu->pdev);
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
    struct edu *edu = kzalloc(sizeof(*edu), GFP_KERNEL);
    int error;

    if (!edu)
        return -ENOMEM;
    edu->pdev = pdev;
    mutex_init(&edu->lock);
    init_completion(&edu->came);
    pci_set_drvdata(pdev, edu);
    error = pci_enable_device(pdev);
    if (error != 0)
        goto free;
    error = pci_request_regions(pdev, "edu");
    if (error != 0)
        goto disable;
    edu->regs = pci_iomap(pdev, 0, 0);
    if (!edu->regs) {
        error = -ENOMEM;
        goto release;
    }
    pci_set_master(pdev);
    error = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(dma_bits));
    if (error != 0)
        goto unmap;
    edu->memory = dma_alloc_coherent(&pdev->dev, 2 * PART, &edu->address, GFP_KERNEL);
    if (!edu->memory) {
        error = -ENOMEM;
        goto unmap;
    }
    error = edu_take_interrupt(edu);
    if (error != 0)
        goto free_memory;
    error = edu_test(edu, factorials);
    if (error == 0)
        return 0;

    edu_give_interrupt_back(edu);
free_memory:
    /* A transfer that failed may still be under way. */
    pci_clear_master(pdev);
    dma_free_coherent(&pdev->dev, 2 * PART, edu->memory, edu->address);
unmap:
    pci_iounmap(pdev, edu->regs);
release:
    pci_release_regions(pdev);
disable:
    pci_disable_device(pdev);
free:
    kfree(edu);
    return error;
}

static void edu_remove(struct pci_dev *pdev)
{
    struct edu *edu = pci_get_drvdata(pdev);

    edu_give_interrupt_back(edu);
    pci_clear_master(pdev);
    dma_free_coherent(&pdev->dev, 2 * PART, edu->memory, edu->address);
    pci_iounmap(pdev, edu->regs);
    pci_release_regions(pdev);
    pci_disable_device(pdev);
    kfree(edu);
    dev_info(&pdev->dev, "edu: removed\n");
}

static const struct pci_device_id edu_ids[] = {{PCI_DEVICE(0x1234, 0x11e8)}, {}};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
    .name = "edu", .id_table = edu_ids, .probe = edu_probe, .remove = edu_remove, .dev_groups = edu_groups};
module_pci_driver(edu_driver);

MODULE_LICENSE("Dual BSD/GPL");
MODULE_DESCRIPTION("Test of QEMU's and ioreqd's edu");
