/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * odd-access: does to a virtio-pci device what no driver does, from user space of a Linux x86-64 guest, and checks that
 * what should come back does. Run as root in the guest, on a function without a driver:
 *
 *     odd-access 0000:00:01.0
 *
 * Prints a line for each rule, `PASS name` or `FAIL name: ...`, and `INFO ...` for what is the emulator's choice; ends
 * with `odd-access: done, N passed, M failed`. Exit status: 0 all passed, 1 something failed, 2 it could not begin.
 *
 * A watchdog ends it after a minute. A vCPU that Xen never wakes runs no watchdog either: when the last line is
 * missing, that is a failure too. Bus mastering and INTx are off meanwhile, so nothing that is written here can start
 * DMA, or raise a line that the guest shares with others and has no handler for.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>

#include "odd-ports.h"
#include "pci.h"
#include "report.h"

#define WATCHDOG_SECONDS 200

#define VIRTIO_VENDOR 0x1af4u

/* virtio 1.2 4.1.4: the structures in BAR 4, and common configuration registers. */
#define VIRTIO_BAR                   4u
#define VIRTIO_ISR                   0x1000u
#define VIRTIO_CONFIG                0x2000u
#define VIRTIO_NOTIFY                0x3000u
#define COMMON_DEVICE_FEATURE_SELECT 0x00u
#define COMMON_DRIVER_FEATURE_SELECT 0x08u
#define COMMON_DEVICE_STATUS         0x14u

#define EDGE        64u  /* bytes at either end of a BAR where every access is tried */
#define LONG_STRING 512u /* bytes, to the end of a BAR */

static void end_badly(const char *line, size_t length)
{
    if (write(STDOUT_FILENO, line, length) < 0) {
        _exit(3);
    }
    _exit(1);
}

static void on_signal(int number)
{
    static const char alarmed[] = "\nFAIL watchdog: not done in time\n";
    static const char faulted[] = "\nFAIL fault: an access raised a signal in the guest\n";

    if (number == SIGALRM) {
        end_badly(alarmed, sizeof(alarmed) - 1);
    }
    end_badly(faulted, sizeof(faulted) - 1);
}

/* The two ends of a BAR, one after the other; the place of byte i. */
static unsigned edge_place(const struct pci_bar *bar, unsigned end, unsigned offset)
{
    return end == 0 ? offset : (unsigned)bar->length - EDGE + offset;
}

static void test_memory_reads(struct report *report, const struct pci_bar *bar, unsigned index)
{
    struct rule unaligned = {.checks = 0};
    struct rule stable = {.checks = 0};
    struct rule halves = {.checks = 0};

    snprintf(unaligned.name, sizeof(unaligned.name), "BAR %u: unaligned reads give all ones", index);
    snprintf(stable.name, sizeof(stable.name), "BAR %u: aligned reads are stable", index);
    snprintf(halves.name, sizeof(halves.name), "BAR %u: 8 bytes are two times 4 bytes", index);
    for (unsigned end = 0; end < 2; end++) {
        for (unsigned size = 1; size <= 8; size *= 2) {
            for (unsigned offset = 0; offset + size <= EDGE; offset++) {
                const unsigned place = edge_place(bar, end, offset);
                const volatile uint8_t *at = bar->base + place;
                const uint64_t value = load(at, size);

                if (offset % size != 0) {
                    rule_check(&unaligned, place, size, all_ones(size), value);
                    continue;
                }
                rule_check(&stable, place, size, value, load(at, size));
                if (size == 8) {
                    rule_check(&halves, place, size, load(at + 4, 4) << 32 | load(at, 4), value);
                }
            }
        }
    }
    rule_end(report, &unaligned);
    rule_end(report, &stable);
    rule_end(report, &halves);

    /* Over the end of a page: Xen makes several accesses of such a read, with sizes of its own choice. */
    for (uint64_t page = PCI_PAGE; page < bar->length; page += PCI_PAGE) {
        const volatile uint8_t *at = bar->base + page;

        printf("INFO BAR %u: over %#llx: 2 bytes %#llx, 4 bytes %#llx, 8 bytes %#llx\n", index,
               (unsigned long long)page, (unsigned long long)load(at - 1, 2), (unsigned long long)load(at - 2, 4),
               (unsigned long long)load(at - 5, 8));
    }
}

/*
 * rep movs out of a BAR against single reads: of the same size, or of bytes. To memory at each of the odd places, in
 * both directions.
 */
static void check_rep_read(struct report *report, const struct pci_bar *bar, const struct buffer *buffer,
                           const char *name, unsigned place, unsigned length, bool bytewise)
{
    struct rule same = {.checks = 0};
    uint8_t expected[LONG_STRING];

    snprintf(same.name, sizeof(same.name), "%s", name);
    for (unsigned size = 1; size <= 8; size *= 2) {
        const unsigned step = bytewise ? 1 : size;

        for (unsigned i = 0; i < length; i += step) {
            const uint64_t value = load(bar->base + place + i, step);

            memcpy(expected + i, &value, step);
        }
        for (unsigned i = 0; i < sizeof(string_places) / sizeof(string_places[0]) * 2; i++) {
            uint8_t *to = buffer->bytes + string_places[i / 2];

            buffer_fill(buffer, 0xa5);
            rep_movs(to, bar->base + place, length / size, size, i % 2 != 0);
            for (unsigned byte = 0; byte < length; byte++) {
                rule_check(&same, place + byte, size, expected[byte], to[byte]);
            }
            rule_check(&same, place + length, size, 0xa5a5, (uint64_t)to[-1] << 8 | to[length]);
        }
    }
    rule_end(report, &same);
}

static void test_memory_strings(struct report *report, const struct pci_bar *bar, const struct buffer *buffer,
                                unsigned index)
{
    const unsigned length = (unsigned)bar->length;
    const unsigned tail = length < LONG_STRING ? length : LONG_STRING;
    char name[96];

    snprintf(name, sizeof(name), "BAR %u: rep movs to the end of the BAR is as single reads", index);
    check_rep_read(report, bar, buffer, name, length - tail, tail, false);
    for (uint64_t page = 0; page < bar->length; page += PCI_PAGE) {
        const unsigned long rest = bar->length - page < PCI_PAGE ? (unsigned long)(bar->length - page) : PCI_PAGE;

        rep_movs(buffer->bytes + 3, bar->base + page, rest, 1, false);
        rep_movs(buffer->bytes + 3, bar->base + page, rest, 1, true);
    }
    if (bar->length <= BUFFER_PAGES * PCI_PAGE) {
        rep_movs(buffer->bytes, bar->base, (unsigned long)(bar->length / 4), 4, false);
        rep_movs(buffer->bytes, bar->base, (unsigned long)(bar->length / 8), 8, true);
    }
    printf("INFO BAR %u: rep movs went over the whole BAR\n", index);
}

static void write_all_over(const struct pci_bar *bar, const struct buffer *buffer)
{
    static const uint64_t values[] = {UINT64_MAX, 0x5a5a5a5a5a5a5a5a, 1, 0};
    const unsigned tail = bar->length < LONG_STRING ? (unsigned)bar->length : LONG_STRING;
    volatile uint8_t *last = bar->base + bar->length - tail;

    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        for (unsigned end = 0; end < 2; end++) {
            for (unsigned size = 1; size <= 8; size *= 2) {
                for (unsigned offset = 0; offset + size <= EDGE; offset++) {
                    store(bar->base + edge_place(bar, end, offset), size, values[i]);
                }
            }
        }
        buffer_fill(buffer, (uint8_t)values[i]);
        for (unsigned size = 1; size <= 8; size *= 2) {
            for (unsigned down = 0; down < 2; down++) {
                rep_stos(bar->base, values[i], EDGE / size, size, down != 0);
                rep_stos(last, values[i], tail / size, size, down != 0);
                rep_movs(bar->base, buffer->bytes + PCI_PAGE - 17, EDGE / size, size, down != 0);
                rep_movs(last, buffer->bytes + PCI_PAGE - 16, tail / size, size, down != 0);
                rep_movs(last, bar->base, EDGE / size, size, down != 0);
            }
        }
    }
}

/* Every kind of write to a BAR that is not virtio's: the MSI-X table, which is put back. */
static void test_memory_writes(const struct pci_bar *bar, const struct buffer *buffer, unsigned index)
{
    uint32_t before[2 * EDGE / 4];
    const unsigned words = EDGE / 4;

    for (unsigned i = 0; i < 2 * words; i++) {
        before[i] = (uint32_t)load(bar->base + edge_place(bar, i / words, i % words * 4), 4);
    }
    write_all_over(bar, buffer);
    for (unsigned i = 0; i < 2 * words; i++) {
        store(bar->base + edge_place(bar, i / words, i % words * 4), 4, before[i]);
    }
    printf("INFO BAR %u: written all over\n", index);
}

static void test_virtio_reads(struct report *report, const struct pci_bar *bar, const struct buffer *buffer)
{
    static const struct {
        unsigned place;
        unsigned size;
    } holes[] = {
        {0x10, 8}, /* several registers in one access */
        {0x14, 4},
        {0x16, 4},
        {0x1c, 1},
        {0x24, 8},
        {0x38, 8}, /* the end of common configuration */
        {0x40, 4},
        {0x800, 8},
        {0xff8, 8}, /* between the structures */
        {VIRTIO_ISR, 4},
        {VIRTIO_ISR, 8},
        {VIRTIO_ISR + 1, 1},
        {VIRTIO_ISR + 0x800, 4},
        {VIRTIO_CONFIG + 0x800, 4},
        {VIRTIO_CONFIG + 0xff8, 8},
        {VIRTIO_NOTIFY, 2},
        {VIRTIO_NOTIFY, 4},
        {VIRTIO_NOTIFY + 2, 1},
        {VIRTIO_NOTIFY + 0xffc, 4},
    };

    load(bar->base + VIRTIO_ISR, 1); /* reading clears it */
    report_check(report, "virtio: the ISR is 0 at rest", 0, load(bar->base + VIRTIO_ISR, 1));
    for (unsigned i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
        printf("INFO virtio: %u bytes at %#x: %#llx\n", holes[i].size, holes[i].place,
               (unsigned long long)load(bar->base + holes[i].place, holes[i].size));
    }
    check_rep_read(report, bar, buffer, "virtio: rep movs of the device configuration is as reads of bytes",
                   VIRTIO_CONFIG, EDGE, true);
}

static void reset_virtio(struct report *report, const struct pci_bar *bar)
{
    unsigned tries = 1000;

    store(bar->base + COMMON_DEVICE_STATUS, 1, 0);
    while (load(bar->base + COMMON_DEVICE_STATUS, 1) != 0 && --tries > 0) {
        usleep(1000);
    }
    report_check(report, "virtio: the device status is 0 after a reset", 0, load(bar->base + COMMON_DEVICE_STATUS, 1));
}

static void test_virtio_writes(struct report *report, const struct pci_bar *bar, const struct buffer *buffer)
{
    struct rule dropped = {.name = "virtio: unaligned writes are dropped"};
    volatile uint8_t *select = bar->base + COMMON_DEVICE_FEATURE_SELECT;
    volatile uint8_t *other = bar->base + COMMON_DRIVER_FEATURE_SELECT;

    reset_virtio(report, bar);
    store(select, 4, 1);
    store(other, 4, 1);
    for (unsigned size = 2; size <= 8; size *= 2) {
        for (unsigned offset = 1; offset < 8; offset++) {
            if (offset % size == 0) {
                continue;
            }
            store(select + offset, size, UINT64_MAX);
            rule_check(&dropped, offset, size, 1, load(select, 4));
            rule_check(&dropped, offset, size, 1, load(other, 4));
        }
    }
    rule_end(report, &dropped);

    write_all_over(bar, buffer);
    store(bar->base + VIRTIO_ISR, 4, UINT32_MAX);
    for (unsigned size = 1; size <= 8; size *= 2) {
        store(bar->base + VIRTIO_NOTIFY, size, 0);
        store(bar->base + VIRTIO_NOTIFY + 1, size, 0xffff);
        rep_stos(bar->base + VIRTIO_NOTIFY, 0, EDGE / size, size, false);
        rep_stos(bar->base + VIRTIO_ISR, UINT64_MAX, EDGE / size, size, true);
    }
    /* The device configuration over itself, both ends in the BAR. */
    rep_movs(bar->base + VIRTIO_CONFIG, bar->base + VIRTIO_CONFIG, EDGE, 1, false);
    rep_movs(bar->base + VIRTIO_CONFIG, bar->base + VIRTIO_CONFIG, EDGE / 4, 4, true);
    reset_virtio(report, bar);
}

/* After each group: the device is still there. */
static void check_present(struct report *report, const struct pci_function *function, const char *group)
{
    char name[64];

    snprintf(name, sizeof(name), "the vendor id still reads after: %s", group);
    report_check(report, name, VIRTIO_VENDOR, pci_port_read(function->bus, function->devfn, PCI_VENDOR, 2));
}

static void keep_quiet(const struct pci_function *function)
{
    uint32_t command = pci_sysfs_read(function, PCI_COMMAND, 2);

    command |= PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE;
    command &= ~PCI_COMMAND_MASTER;
    pci_sysfs_write(function, PCI_COMMAND, 2, command);
}

static void test_ports(struct report *report, const struct pci_function *function, const struct buffer *buffer)
{
    check_present(report, function, "nothing");
    test_config_reads(report, function);
    check_present(report, function, "configuration reads");
    test_config_odd(report, function);
    check_present(report, function, "odd accesses to ports");
    test_config_strings_in(report, function, buffer);
    check_present(report, function, "rep ins");
    test_config_strings_out(report, function, buffer);
    check_present(report, function, "rep outs");
    test_absent(report, function, buffer);
    check_present(report, function, "an absent function");
    test_extended(report, function);
    check_present(report, function, "extended registers");
}

static void test_bars(struct report *report, const struct pci_function *function, const struct buffer *buffer)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        const struct pci_bar *bar = &function->bar[i];

        if (bar->length == 0) {
            continue;
        }
        if (bar->base == NULL || bar->length < EDGE || bar->length > UINT32_MAX) {
            printf("INFO BAR %u: left out, not memory or of no handy size\n", i);
            continue;
        }
        test_memory_reads(report, bar, i);
        check_present(report, function, "reads of a BAR");
        test_memory_strings(report, bar, buffer, i);
        check_present(report, function, "rep movs from a BAR");
        if (i != VIRTIO_BAR) {
            test_memory_writes(bar, buffer, i);
            check_present(report, function, "writes to a BAR");
        } else if (bar->length >= VIRTIO_NOTIFY + PCI_PAGE) {
            test_virtio_reads(report, bar, buffer);
            check_present(report, function, "reads of virtio's holes");
            test_virtio_writes(report, bar, buffer);
            check_present(report, function, "writes to virtio's registers");
        }
    }
}

int main(int argc, char **argv)
{
    static const int fatal[] = {SIGALRM, SIGSEGV, SIGBUS, SIGILL};
    struct report report = {.passed = 0};
    struct rule unmoved = {.name = "the BARs are where they were"};
    struct pci_function function;
    struct buffer buffer;
    uint32_t bar_before[PCI_BARS];

    if (argc != 2) {
        fprintf(stderr, "usage: odd-access SEGMENT:BUS:DEVICE.FUNCTION\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        signal(fatal[i], on_signal);
    }
    alarm(WATCHDOG_SECONDS);

    buffer.bytes = mmap(NULL, (size_t)BUFFER_PAGES * PCI_PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (buffer.bytes == MAP_FAILED || mlock(buffer.bytes, (size_t)BUFFER_PAGES * PCI_PAGE) != 0 || iopl(3) != 0) {
        perror("odd-access: memory or I/O privilege");
        return 2;
    }
    if (!pci_open(&function, argv[1])) {
        return 2;
    }
    keep_quiet(&function);
    for (unsigned i = 0; i < PCI_BARS; i++) {
        bar_before[i] = pci_sysfs_read(&function, PCI_BAR_0 + 4 * i, 4);
    }

    test_ports(&report, &function, &buffer);
    test_bars(&report, &function, &buffer);

    for (unsigned i = 0; i < PCI_BARS; i++) {
        rule_check(&unmoved, PCI_BAR_0 + 4 * i, 4, bar_before[i], pci_sysfs_read(&function, PCI_BAR_0 + 4 * i, 4));
    }
    rule_end(&report, &unmoved);
    pci_close(&function);
    printf("odd-access: done, %u passed, %u failed\n", report.passed, report.failed);
    return report.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
