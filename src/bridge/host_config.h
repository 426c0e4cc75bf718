/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a host bridge is to be: where its configuration space, its apertures and its interrupt lines lie for the
 * processor. Made from the command line or by the kind of guest, then only read.
 */
#ifndef IOREQD_BRIDGE_HOST_CONFIG_H
#define IOREQD_BRIDGE_HOST_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

/* The processor's address spaces. Not every processor has ports. */
enum bridge_space { BRIDGE_PORT, BRIDGE_MEMORY };

#define BRIDGE_SPACES 2

/*
 * Processor addresses that a host bridge forwards to its bus, size bytes from first on; first is the address bus there.
 * size 0: there is no such aperture.
 */
struct bridge_aperture {
    enum bridge_space space; /* of first: BRIDGE_MEMORY but for I/O apertures of processors that have ports */
    uint64_t first;
    uint64_t bus;
    uint64_t size;
};

/* What the INTx pins of a root bus lead to. */
enum bridge_lines {
    BRIDGE_LINES_NONE,   /* nothing: functions have no pin */
    BRIDGE_LINES_DIRECT, /* the platform's line of the same device and pin: bus 0 of a PC */
    BRIDGE_LINES_FOLDED, /* the four lines of one device of bus 0, swizzled: see lines_device */
    BRIDGE_LINES_SPIS    /* SPIs of the guest's interrupt controller: see bridge_line_spi() */
};

/* Shared peripheral interrupts of an interrupt controller that has such: count of them, from first on. */
struct bridge_spis {
    uint16_t first;
    uint16_t count; /* 0: none */
};

/* Those that there can be; a guest may have fewer. */
#define BRIDGE_SPI_FIRST 32u
#define BRIDGE_SPI_LAST  991u

/* A host bridge as the user, or the kind of guest, wants it. */
struct bridge_host_config {
    char name[32]; /* unique; for people, and for bridge= of devices */
    uint16_t segment;
    uint8_t first_bus; /* the root bus */
    uint8_t last_bus;
    /* The guest reaches configuration space by 0xcf8 and 0xcfc, as the platform decodes them. Segment 0 alone can. */
    bool configuration_ports;
    bool address_port;      /* 0xcf8 can be read back: nobody else in the guest serves it */
    bool host_bridge_shown; /* there is a function of class host bridge at device 0 of the root bus */
    /* Memory-mapped configuration space, 1 MiB for each bus from first_bus on (PCI Express 4.0 7.2.2). 0: none. */
    uint64_t ecam;
    /*
     * A bridge without memory apertures does not own what its BARs lie in: each is claimed alone, wherever the guest
     * places it. The same goes for I/O. One that has apertures claims them whole and decodes inside: BARs elsewhere are
     * not reached.
     */
    struct bridge_aperture io;
    struct bridge_aperture memory;   /* below 4 GiB on the bus */
    struct bridge_aperture memory64; /* for 64-bit BARs */
    enum bridge_lines lines;
    uint8_t lines_device;    /* with BRIDGE_LINES_FOLDED: 0 to 31 */
    struct bridge_spis spis; /* with BRIDGE_LINES_SPIS: those of all host bridges, which may share them */
    uint16_t first_line;     /* which of them is that of device 0's INTA */
};

/*
 * The interrupts of a guest where they are SPIs. Messages go to a frame (GICv2m: Arm SBSA 2.2, appendix E), which turns
 * them into SPIs.
 */
struct bridge_interrupts {
    struct bridge_spis lines;    /* of INTx pins */
    struct bridge_spis messages; /* of the frame */
    uint64_t frame;              /* where it lies: BRIDGE_FRAME_SIZE bytes */
};

#define BRIDGE_FRAME_SIZE UINT64_C(0x1000)

/* The name of the host bridge that a guest has without being asked for one. */
#define BRIDGE_DEFAULT_NAME "pci"

/*
 * That host bridge: segment 0, reached by the configuration ports. alone: the guest has no other device model whose
 * host bridge ours would stand beside. lines: the platform's interrupt lines lead somewhere.
 */
void bridge_default_host(struct bridge_host_config *config, bool alone, bool lines);

/* Bytes of its ECAM, should it have one. */
static inline uint64_t bridge_ecam_size(const struct bridge_host_config *config)
{
    return (config->last_bus - config->first_bus + UINT64_C(1)) << 20;
}

/* The SPI of a device's pin on the root bus, with BRIDGE_LINES_SPIS. 0 is INTA. */
unsigned bridge_line_spi(const struct bridge_host_config *config, unsigned device, unsigned pin);
/* After how many devices the SPIs of the next begin from the front again: a power of 2, to 32. */
unsigned bridge_line_period(const struct bridge_host_config *config);

/* NULL when the host bridge can be had; else the reason, for people. */
const char *bridge_check_host(const struct bridge_host_config *config);
/* NULL when the two can be had in one guest; else the reason, for people. */
const char *bridge_check_hosts(const struct bridge_host_config *a, const struct bridge_host_config *b);
/* NULL when these interrupts can be; else the reason, for people. */
const char *bridge_check_interrupts(const struct bridge_interrupts *interrupts);

/* What the host bridge owns of the processor's addresses, into range[BRIDGE_RANGES]. Returns how many. */
struct bridge_range {
    enum bridge_space space;
    uint64_t first;
    uint64_t last;
};
#define BRIDGE_RANGES 5u
unsigned bridge_owned_ranges(const struct bridge_host_config *config, struct bridge_range *range);

#endif
