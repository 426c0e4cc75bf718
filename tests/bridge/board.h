/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the bridge's tests put around it: below, a platform that keeps a book of claims, messages and lines and can be
 * told to refuse; behind its functions, a device that writes down what reaches it. One board a test; messages and
 * lines may come from any thread, all else is the test's main thread's.
 */
#ifndef TESTS_BRIDGE_BOARD_H
#define TESTS_BRIDGE_BOARD_H

#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bridge/bridge.h"
#include "bridge/function.h"
#include "bridge/pci_registers.h"

#define BOARD_CLAIMS    64
#define BOARD_MESSAGES  4096
#define BOARD_ACCESSES  256
#define BOARD_FUNCTIONS 65536 /* of one segment */

struct board_claim {
    enum bridge_space space;
    uint64_t first;
    uint64_t last;
};

struct board_message {
    uint64_t address;
    uint32_t data;
};

struct board {
    struct bridge *bridge;

    struct board_claim claim[BOARD_CLAIMS];
    unsigned claims;
    bool claimed_function[BOARD_FUNCTIONS];
    int claim_error;              /* what claims return from now on; 0: they go well */
    unsigned claims_before_error; /* so many go well nevertheless */
    int claim_function_error;     /* the same for functions */
    unsigned wrong_unclaims;      /* of what was not claimed */

    pthread_mutex_t lock;
    struct board_message message[BOARD_MESSAGES];
    unsigned messages;
    bool unmaskable;
    void (*on_message)(uint64_t address, uint32_t data); /* if not NULL, instead of the book */
    bool level[32][4];
    unsigned line_changes;
    bool spi_level[BRIDGE_SPI_LAST + 1];
    unsigned spi_rises[BRIDGE_SPI_LAST + 1]; /* how often it was set high */
};

enum access_kind {
    ACCESS_READ,
    ACCESS_WRITE,
    ACCESS_BELL,
    ACCESS_CONFIG_READ,
    ACCESS_CONFIG_WRITE,
    ACCESS_RESET,          /* value: the kind */
    ACCESS_INTERRUPT_MODE, /* value: the mode */
    ACCESS_BUS_MASTER      /* value: on or off */
};

struct access {
    enum access_kind kind;
    unsigned bar; /* or queue, or index of the capability */
    uint64_t offset;
    unsigned size;
    uint64_t value;
};

/* A device; byte i of BAR b reads as probe_byte(b, i). */
struct probe {
    struct access access[BOARD_ACCESSES];
    unsigned accesses;
    bool tells;             /* resets, interrupt modes and bus mastering are written down too */
    uint32_t config_answer; /* of capability reads, if not 0 */
};

extern struct board board;
extern struct bridge *bridge;    /* the board's */
extern struct bridge_host *host; /* the bridge's, with configuration ports and nothing else, as beside QEMU */
extern const struct bridge_platform board_platform;
extern const struct bridge_function_ops probe_ops;
extern const struct bridge_function_ops probe_ops_without_config;

/* Fixtures: the board, without functions. board_open_empty() leaves out the host bridge. */
void board_open(void);
void board_open_empty(void);
void board_close(void);

/* Adds a function to bus 0 of the host bridge; the test ends when that fails. */
struct bridge_function *board_add(uint8_t devfn, const struct ioreqd_description *description, struct probe *probe);

/* The same on another bus, and host bridges and ports, the latter on bus 0 of the host bridge. */
struct bridge_function *board_add_on(struct bridge_bus *bus, uint8_t devfn,
                                     const struct ioreqd_description *description, struct probe *probe);
struct bridge_host *board_add_host(const struct bridge_host_config *config);
struct bridge_bus *board_add_port(uint8_t devfn, unsigned slot);

/* A host bridge of segment 1 with ECAM for buses 10 to 13 and all three apertures, none where the bus has it. */
extern const struct bridge_host_config board_wide_host;
#define BOARD_ECAM     UINT64_C(0xe0000000)
#define BOARD_IO       UINT64_C(0xd0000000)
#define BOARD_MEMORY   UINT64_C(0xc0000000)
#define BOARD_MEMORY64 UINT64_C(0x8000000000)
#define BOARD_BUS64    UINT64_C(0x4000000000)
/* Its configuration requests: device and function of its root bus. */
#define WIDE(devfn) (0x11000u | (devfn))
/* The same in its ECAM. */
#define WIDE_ECAM(devfn) (BOARD_ECAM + ((uint64_t)(devfn) << 12))

/* How many functions of segment 0 are routed to the bridge. */
unsigned board_claimed_functions(void);

/* Whether exactly this range is claimed. */
bool board_has_claim(enum bridge_space space, uint64_t first, uint64_t last);

uint8_t probe_byte(unsigned bar, uint64_t offset);
uint64_t probe_value(unsigned bar, uint64_t offset, unsigned size);
/* The test ends unless the index-th access was this one. */
void probe_saw(const struct probe *probe, unsigned index, enum access_kind kind, unsigned bar, uint64_t offset,
               unsigned size, uint64_t value);

/* What a device is told, when it tells. */
struct tell {
    enum access_kind kind;
    uint64_t value;
};
/* The test ends unless these, and nothing else, are what it saw from an index on. */
void probe_is_told(const struct probe *probe, unsigned from, unsigned count, const struct tell *tell);

/* Device 1, function 0 of bus 0, where most tests have their function. */
#define PLACE 0x08u

uint32_t config_get(uint32_t number, unsigned reg, unsigned size);
void config_put(uint32_t number, unsigned reg, unsigned size, uint32_t value);
#define BAR_REG(i) (PCI_BAR0 + 4u * (i))

/* The groups of test cases, one a file. */
TCase *header_tests(void);
TCase *config_access_tests(void);
TCase *bar_tests(void);
TCase *overlap_tests(void);
TCase *access_tests(void);
TCase *bell_tests(void);
TCase *capability_tests(void);
TCase *msi_tests(void);
TCase *msi_enabled_tests(void);
TCase *msix_tests(void);
TCase *msix_race_tests(void);
TCase *intx_tests(void);
TCase *description_tests(void);
TCase *host_bridge_tests(void);
TCase *host_config_tests(void);
TCase *host_tests(void);
TCase *ecam_tests(void);
TCase *aperture_tests(void);
TCase *port_tests(void);
TCase *bus_number_tests(void);
TCase *window_tests(void);
TCase *port_interrupt_tests(void);
TCase *express_tests(void);
TCase *power_tests(void);
TCase *reset_tests(void);
TCase *failure_tests(void);
TCase *rom_tests(void);
TCase *extended_tests(void);
TCase *frame_tests(void);
TCase *no_frame_tests(void);
TCase *spi_tests(void);
TCase *shared_spi_tests(void);
TCase *machine_tests(void);

#endif
