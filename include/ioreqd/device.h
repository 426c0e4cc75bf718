/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device-model interface of ioreqd: everything that the author of an emulated PCI device needs.
 *
 * A *model* is a shared object that includes this header and libc, and exports one function, ioreqd_module(). It
 * describes itself in constant tables (ids, BARs, capabilities, vectors, doorbells, properties, saved fields,
 * counters) that the host reads before any code of the model runs. A *device* is one instance of a model. It sits
 * behind a PCI host bridge that owns configuration space, the placing of BARs, MSI-X, the INTx gate and all checks of
 * an access. A model never sees a guest address of its BARs, a function number, a hypervisor or an architecture, so
 * the same source serves every host and every CPU.
 *
 * Smallest model: create, read and write. What the guest may do wrong is told with guest_error(), never with an
 * abort: the guest is hostile.
 *
 * Threads. Each device has a *main loop*; every call into a model is made there, one at a time, except bell(), work
 * items, timers, watches, streams of another loop and file completions, which run on the loop that they were given to.
 * A host function marked [any] may be called from any of the device's loops, one marked [loop] from the loop that its
 * object belongs to, the others only from the main loop. A host function never calls back into the model before it
 * returns.
 *
 * How the interface grows. Every table that crosses it starts with its size; members are only ever appended;
 * IOREQD_HAS() tells whether the other side's table has one. The elements of arrays (BARs, capabilities, bells,
 * properties, fields, counters, verbs, parameters) are frozen: new facts come as new arrays. Enumerators are never renumbered, unknown
 * flags must be zero. IOREQD_ABI changes only when none of that would do; a host loads a model of equal ABI only.
 *
 * Units are bytes, nanoseconds, and vectors and queues counted from 0, unless told otherwise. Numbers that the guest
 * reads or writes are plain integers here: the host deals with PCI's little-endian byte order. Functions that can
 * fail return 0 or a negative errno.
 */
#ifndef IOREQD_DEVICE_H
#define IOREQD_DEVICE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
#error "device models are written in C11"
#endif

#define IOREQD_ABI 1

/* True where the table that P points to, made by the other side, is large enough to hold MEMBER. */
#define IOREQD_HAS(p, member) (offsetof(__typeof__(*(p)), member) + sizeof((p)->member) <= (p)->struct_size)

#define IOREQD_BARS 6
#define IOREQD_ROM  6 /* stands for the expansion ROM where read() is told a BAR */

/* One device instance. Made and owned by the host; valid from create() until destroy() returns. */
struct ioreqd_device;

/* One thread's event loop. Owned by the host. */
struct ioreqd_loop;

/* A moment to come, see timer_create(). Owned by the model that made it. */
struct ioreqd_timer;

/* A descriptor whose readiness a loop waits for, see watch_create(). Owned by the model that made it. */
struct ioreqd_watch;

/* A range of guest memory that stays in sight, see window_open(). Owned by the model that opened it. */
struct ioreqd_window;

/* A file or block device that the host opened for a property of kind IOREQD_PROPERTY_FILE. Owned by the host. */
struct ioreqd_file;

/* A line of bytes both ways that the host opened for a property of kind IOREQD_PROPERTY_STREAM. Owned by the host. */
struct ioreqd_stream;

/* A way to a network that the host opened for a property of kind IOREQD_PROPERTY_NETWORK. Owned by the host. */
struct ioreqd_network;

/* Unix sockets that the host makes and finds for a property of kind IOREQD_PROPERTY_SOCKETS. Owned by the host. */
struct ioreqd_sockets;

/* ------------------------------------------------------------------------------------------------------------------
 * What the model is
 */

enum ioreqd_bar_kind {
    IOREQD_BAR_NONE = 0,
    IOREQD_BAR_IO = 1,            /* I/O space, 4 to 256 bytes (PCI 3.0 6.2.5.1) */
    IOREQD_BAR_MEM32 = 2,         /* 32-bit memory, at least 16 bytes */
    IOREQD_BAR_MEM64 = 3,         /* 64-bit memory; takes the next BAR's place too, which must be NONE */
    IOREQD_BAR_MEM64_PREFETCH = 4 /* the same, prefetchable: reads have no side effect */
};

/*
 * A base address register. An access reaches the model only when decoding is enabled, it lies inside the BAR, it is
 * aligned to its size, and min_access <= size <= max_access (powers of 2, at most 8). The host splits an aligned
 * access that is larger than max_access into several, lowest first, and serves a read that is smaller than min_access
 * from one of min_access; whatever else does not fit reads as all ones and is dropped when written.
 */
struct ioreqd_bar {
    uint8_t kind; /* enum ioreqd_bar_kind */
    uint8_t min_access;
    uint8_t max_access;
    uint8_t reserved;
    uint32_t flags; /* none defined: 0 */
    uint64_t size;  /* bytes, a power of 2 */
};

#define IOREQD_CAPABILITY_TRAP 0x1u /* config_read() and config_write() are called for its body */
#define IOREQD_CAPABILITY_EXTENDED                                                                                     \
    0x2u /* in extended configuration space (PCI Express 4.0 7.6); express devices only */

/*
 * A capability in configuration space (PCI 3.0 6.7). The host chooses its place, and links it in the order of the
 * table; its own (MSI-X, MSI, power management, PCI Express) come first. The body is what stands after the header:
 * after id and next pointer, 2 bytes, or after the 4 bytes of an extended capability's header. A bit is in one of the
 * masks at most.
 */
struct ioreqd_capability {
    uint16_t id;     /* 9: vendor specific; 0xb is the extended one */
    uint16_t length; /* bytes with the header: 2 to 128; extended: 4 to 1024 */
    uint8_t version; /* extended: 1 to 15; else 0 */
    uint8_t reserved[3];
    uint32_t flags; /* IOREQD_CAPABILITY_... */
    uint32_t reserved2;
    const uint8_t *body;       /* what stands there at reset */
    const uint8_t *write_mask; /* bits that the guest may write; NULL: none */
    const uint8_t *clear_mask; /* bits that fall when the guest writes 1 to them; NULL: none */
};

/*
 * A row of write-only doorbells in a BAR: a write of at least size bytes at offset + i * stride rings the bell of
 * queue first_queue + i. Only the last value is kept while the queue's loop has not yet run: doorbells coalesce.
 */
struct ioreqd_bell {
    uint8_t bar;
    uint8_t size; /* bytes of the smallest write that rings: 1, 2 or 4 */
    uint16_t count;
    uint16_t first_queue;
    uint16_t reserved;
    uint32_t stride; /* bytes, not 0 */
    uint64_t offset;
};

/*
 * What PCI sees of a device. The host copies it for each instance and hands the copy to create(), which may change
 * it (a size, the number of vectors or queues) but not let it point to memory that goes away before the device.
 */
struct ioreqd_description {
    uint32_t struct_size;
    uint16_t vendor;
    uint16_t device;
    uint16_t subsystem_vendor;
    uint16_t subsystem;
    uint8_t revision;
    uint8_t class_code[3]; /* base class, sub-class, programming interface */
    uint8_t intx;          /* 1: has an INTx pin */
    uint8_t msix_bar;      /* the BAR that holds the MSI-X table and pending bits; must be NONE in bar[]: the host's */
    uint16_t msix;         /* vectors, 0 (no MSI-X) to 2048 */
    uint16_t queues;       /* 0 to 1024: queues have a bell and a loop each */
    uint16_t capabilities; /* entries of capability[] */
    uint16_t bells;        /* entries of bell[] */
    struct ioreqd_bar bar[IOREQD_BARS];
    const struct ioreqd_capability *capability;
    const struct ioreqd_bell *bell;
    uint16_t msi; /* vectors: 0 (no MSI), 1, 2, 4, 8, 16 or 32 */
    /*
     * 1: a PCI Express endpoint. The host adds the PCI Express capability with function-level reset, power management
     * (power is then IOREQD_POWER_KEEPS unless it says more), and extended configuration space.
     */
    uint8_t express;
    uint8_t power; /* enum ioreqd_power */
    uint8_t reserved[2];
    /*
     * So many queues after one another are served by one loop, counted from queue 0; 0: all are. What is in different
     * groups may run side by side. create() may set it before it asks for a loop.
     */
    uint16_t queue_group;
    uint64_t rom_size; /* bytes of the expansion ROM, a power of 2, 2 KiB to 16 MiB; 0: none. read() gives it. */
};

/* Whether the guest may put the device to sleep (PCI Power Management 1.2). Asleep it has no BAR, DMA or interrupt. */
enum ioreqd_power {
    IOREQD_POWER_NONE = 0,
    IOREQD_POWER_KEEPS = 1, /* D3hot keeps the registers: No_Soft_Reset */
    IOREQD_POWER_RESETS = 2 /* the way back from D3hot to D0 resets it: IOREQD_RESET_D3HOT */
};

enum ioreqd_property_kind {
    IOREQD_PROPERTY_BOOL = 1,    /* on, off              -> uint8_t 0 or 1 */
    IOREQD_PROPERTY_U32 = 2,     /* a number             -> uint32_t */
    IOREQD_PROPERTY_U64 = 3,     /* a number             -> uint64_t */
    IOREQD_PROPERTY_SIZE = 4,    /* bytes with k,M,G,T   -> uint64_t */
    IOREQD_PROPERTY_STRING = 5,  /* text                 -> char[maximum + 1], always ended by a 0 */
    IOREQD_PROPERTY_FILE = 6,    /* a path, which the model never sees -> struct ioreqd_file *, NULL when not given */
    IOREQD_PROPERTY_STREAM = 7,  /* pty, a socket or a file -> struct ioreqd_stream *, NULL when not given */
    IOREQD_PROPERTY_NETWORK = 8, /* a tap or a socket    -> struct ioreqd_network *, NULL when not given */
    IOREQD_PROPERTY_SOCKETS = 9  /* a path of sockets    -> struct ioreqd_sockets *, NULL when not given */
};

#define IOREQD_PROPERTY_REQUIRED 0x1u

/* A key that users set with --device MODEL,KEY=VALUE. Parsed and checked into the state before create(). */
struct ioreqd_property {
    const char *name;
    const char *fallback; /* value when the key is not given, as text; NULL: zero */
    const char *help;     /* one line for people */
    uint8_t kind;         /* enum ioreqd_property_kind */
    uint8_t reserved[3];
    uint32_t flags;  /* IOREQD_PROPERTY_REQUIRED */
    uint32_t offset; /* into the state */
    uint32_t reserved2;
    uint64_t minimum; /* numbers: the range; STRING: of the length */
    uint64_t maximum;
    const char *read_only_by; /* FILE: name of the BOOL property that, when on, has it opened for reading only */
};

enum ioreqd_field_kind { IOREQD_FIELD_U8 = 1, IOREQD_FIELD_U16 = 2, IOREQD_FIELD_U32 = 3, IOREQD_FIELD_U64 = 4 };

/*
 * A part of the state that a successor (after a save, an upgrade or a crash) would need: the registers. The tag names
 * it for ever; place and order may change from version to version.
 */
struct ioreqd_field {
    uint16_t tag; /* unique, not 0 */
    uint8_t kind; /* enum ioreqd_field_kind */
    uint8_t reserved;
    uint32_t since;  /* the first state_version that has it */
    uint32_t offset; /* into the state */
    uint32_t count;  /* elements, at least 1 */
};

/* A number that people may watch: an _Atomic uint64_t in the state, only ever increased. */
struct ioreqd_counter {
    const char *name;
    const char *unit;
    uint32_t offset; /* into the state */
    uint32_t reserved;
};

#define IOREQD_PARAMETERS         8 /* of one verb, at most */
#define IOREQD_PARAMETER_REQUIRED 0x1u

/* What a verb is told. */
struct ioreqd_parameter {
    const char *name;
    const char *help;          /* one line for people */
    const char *const *choice; /* STRING: the words that it can be, ended by NULL; NULL: any text */
    uint8_t kind;              /* enum ioreqd_property_kind: BOOL, U32, U64, SIZE or STRING */
    uint8_t reserved[3];
    uint32_t flags;   /* IOREQD_PARAMETER_REQUIRED */
    uint64_t minimum; /* numbers: the range; STRING: of the length; maximum 0: no bound */
    uint64_t maximum;
};

/* The value of a parameter, checked to be what that says. */
struct ioreqd_value {
    uint32_t given; /* 0: it was left out, and the rest is zero */
    uint32_t reserved;
    uint64_t number;  /* BOOL: 0 or 1; U32, U64 and SIZE */
    const char *text; /* STRING; until run() returns */
};

/*
 * What whoever looks after the guest can have a running device do, by ioreqctl(8): pull a cable, change a medium. A verb
 * is never needed for a device to work, and the guest cannot call it.
 */
struct ioreqd_verb {
    const char *name;                         /* lower case letters, digits and '-' */
    const char *help;                         /* one line for people */
    const struct ioreqd_parameter *parameter; /* ends with a NULL name; NULL: none */
    /*
     * value[] has one for each parameter, in their order. On the main loop, and not while the device is being reset or
     * ends. It must not wait: what takes long is only begun. 0, or a negative errno with the reason for people, of size
     * bytes, which may be left empty.
     */
    int (*run)(struct ioreqd_device *device, void *state, const struct ioreqd_value *value, char *reason, size_t size);
};

enum ioreqd_reset_kind {
    IOREQD_RESET_COLD = 0,     /* power on: called once after create() */
    IOREQD_RESET_BUS = 1,      /* the bus that the device sits on was reset (PCI-to-PCI Bridge 1.2 3.2.5.18) */
    IOREQD_RESET_FUNCTION = 2, /* function-level reset (PCI Express 4.0 6.6.2) */
    IOREQD_RESET_D3HOT = 3     /* back from D3hot, with IOREQD_POWER_RESETS */
};

/* How the guest wants to hear of events. */
enum ioreqd_interrupt_mode {
    IOREQD_INTERRUPT_NONE = 0, /* not at all: no messages, and no INTx pin or INTx disabled */
    IOREQD_INTERRUPT_INTX = 1,
    IOREQD_INTERRUPT_MSI = 2,
    IOREQD_INTERRUPT_MSIX = 3
};

/*
 * A model. All calls are made on the main loop, one at a time, unless told otherwise; state points to state_size
 * bytes, zeroed before the properties were parsed into them.
 */
struct ioreqd_model {
    uint32_t struct_size;
    uint32_t abi;        /* IOREQD_ABI */
    const char *name;    /* as in --device NAME: letters, digits and '-' */
    const char *summary; /* one line for people */
    uint32_t state_size;
    uint32_t state_version;
    const struct ioreqd_description *description;
    const struct ioreqd_property *property; /* ends with a NULL name; may be NULL */
    const struct ioreqd_field *field;       /* ends with tag 0; may be NULL */
    const struct ioreqd_counter *counter;   /* ends with a NULL name; may be NULL */

    /*
     * Makes the device: checks the properties, opens nothing, adjusts the description. On a value that it cannot use it
     * calls property_error() and returns -EINVAL. When it fails, destroy() is not called.
     */
    int (*create)(struct ioreqd_device *device, void *state, struct ioreqd_description *description);

    /* Frees what create() made. No loop runs the model's code any more. Optional. */
    void (*destroy)(struct ioreqd_device *device, void *state);

    /* A read of size 1, 2, 4 or 8 bytes at offset of a BAR. Registers that do not exist read as 0. */
    uint64_t (*read)(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size);

    /* A write. There is no error to return: PCI has none. */
    void (*write)(struct ioreqd_device *device, void *state, unsigned bar, uint64_t offset, unsigned size,
                  uint64_t value);

    /*
     * The doorbell of a queue was rung, with the last value written. On the queue's loop. One that was rung before
     * quiesce() may arrive after it, until quiesced().
     */
    void (*bell)(struct ioreqd_device *device, void *state, unsigned queue, uint32_t value);

    /*
     * Brings every register to its power-on value, and the INTx line down; counters stay. Idempotent. The device is
     * quiet then: a reset that the guest asks for while it is running goes quiesce(), reset(), resume(), and until
     * resume() the guest reads all ones and its writes and doorbells are dropped. Bus mastering is off after a reset
     * that the guest asked for, and the interrupt mode its first one: bus_master() and interrupt_mode() tell of that
     * after resume(). Optional.
     */
    void (*reset)(struct ioreqd_device *device, void *state, enum ioreqd_reset_kind kind);

    /*
     * Stop starting work, and call quiesced() of the host once nothing is in flight, no memory mapped and no file request
     * under way: at once, or later from any loop, and once. From then on until resume() the device does nothing of its
     * own accord: no DMA, no interrupt, no stream, and no saved field changes. Optional: a model without it is always
     * quiet. One that has it and stops something needs resume().
     */
    void (*quiesce)(struct ioreqd_device *device, void *state);

    /*
     * An access to the body of capability[index] that has IOREQD_CAPABILITY_TRAP. offset counts from the capability's
     * first byte (its id); size is 1, 2 or 4, aligned. The host has applied the write mask to its own copy before
     * config_write(), and answers reads from that copy when config_read() is absent. value: what stands there.
     */
    uint32_t (*config_read)(struct ioreqd_device *device, void *state, unsigned index, unsigned offset, unsigned size,
                            uint32_t value);
    void (*config_write)(struct ioreqd_device *device, void *state, unsigned index, unsigned offset, unsigned size,
                         uint32_t value);

    /*
     * The device may work again after quiesce(). Guest memory may have changed its place meanwhile: what was found out
     * about it before, windows apart, does not hold any more. Optional.
     */
    void (*resume)(struct ioreqd_device *device, void *state);
    /* The guest chose another way to hear of events; INTx that was raised stays raised. Optional. */
    void (*interrupt_mode)(struct ioreqd_device *device, void *state, enum ioreqd_interrupt_mode mode);
    /* The guest let the device reach memory, or took that away (on 0). Work that waited for it can go on. Optional. */
    void (*bus_master)(struct ioreqd_device *device, void *state, int on);

    /* What people can have it do; ends with a NULL name; may be NULL. */
    const struct ioreqd_verb *verb;
};

/* ------------------------------------------------------------------------------------------------------------------
 * What the host gives
 */

enum ioreqd_log_level { IOREQD_LOG_ERROR = 0, IOREQD_LOG_WARNING = 1, IOREQD_LOG_INFO = 2, IOREQD_LOG_DEBUG = 3 };

enum ioreqd_direction {
    IOREQD_FROM_GUEST = 0, /* the device reads guest memory */
    IOREQD_TO_GUEST = 1    /* the device writes guest memory */
};

/* What a descriptor or stream is ready for; masks. */
#define IOREQD_READABLE  0x1u
#define IOREQD_WRITABLE  0x2u
#define IOREQD_CONNECTED 0x4u /* streams: somebody came to the other end, or went */
#define IOREQD_RESIZED   0x8u /* streams: the terminal at the other end has another size */

/* A piece of work for a loop, owned by the model; it must stay until it has run. Zeroed, then run and argument set. */
struct ioreqd_work {
    void (*run)(void *argument);
    void *argument;
    struct ioreqd_work *next; /* the host's */
    atomic_uint posted;       /* the host's: 1 while it waits to run */
};

enum ioreqd_file_operation {
    IOREQD_FILE_READ = 1,
    IOREQD_FILE_WRITE = 2,
    IOREQD_FILE_FLUSH = 3,        /* what was written before is on the medium when it completes; iov is not used */
    IOREQD_FILE_DISCARD = 4,      /* nobody needs the bytes any more; what they read as then is not said */
    IOREQD_FILE_WRITE_ZEROES = 5, /* the bytes read as zero */
    IOREQD_FILE_ERASE = 6         /* the bytes and all copies of them are gone from the medium */
};

#define IOREQD_FILE_MAY_UNMAP 0x1u /* WRITE_ZEROES need not keep the room of the bytes reserved */

/* What a file can do, and how it likes to be used. Bytes; 0 where not known, or no limit. */
struct ioreqd_file_facts {
    uint32_t struct_size; /* set by the caller */
    uint32_t abilities;   /* IOREQD_FILE_CAN_... */
    uint32_t logical_block;
    uint32_t physical_block;
    uint32_t minimum_io;
    uint32_t optimal_io;
    uint32_t discard_granularity;
    uint32_t reserved;
    uint64_t maximum_discard; /* of one request */
    uint64_t maximum_zeroes;
    uint64_t maximum_erase;
};

#define IOREQD_FILE_CAN_DISCARD      0x1u
#define IOREQD_FILE_CAN_WRITE_ZEROES 0x2u
#define IOREQD_FILE_CAN_UNMAP        0x4u /* WRITE_ZEROES with IOREQD_FILE_MAY_UNMAP gives room back */
#define IOREQD_FILE_CAN_ERASE        0x8u

/*
 * One file request, owned by the model, which must leave it and what iov points to alone until done() is called, on
 * the loop that submitted it.
 */
struct ioreqd_file_request {
    uint8_t operation; /* enum ioreqd_file_operation */
    uint8_t flags;     /* IOREQD_FILE_MAY_UNMAP; else 0 */
    uint8_t reserved[6];
    uint64_t offset;
    const struct iovec *iov;
    uint32_t iov_count;
    int32_t result; /* set before done(): 0, or a negative errno; short transfers are the host's care */
    void (*done)(struct ioreqd_file_request *request);
    uint64_t length;   /* bytes, of DISCARD, WRITE_ZEROES and ERASE, which have no iov */
    uint64_t host[15]; /* the host's */
};

/*
 * Before each packet stands a header of IOREQD_NETWORK_HEADER bytes, that of virtio-net with num_buffers (virtio 1.4
 * §5.1.6), whose num_buffers is 1 or not looked at. What its offload flags may say was agreed on with
 * network_set_offloads().
 */
#define IOREQD_NETWORK_HEADER     12
#define IOREQD_NETWORK_MAX_PACKET 65562 /* bytes of a packet without that header: 64 KiB, Ethernet's header and VLANs */

/* Offloads, as masks: what packets from the network may ask of the guest, and those from the guest of the network. */
#define IOREQD_NETWORK_CHECKSUM 0x01u /* the checksum is still to be filled in */
#define IOREQD_NETWORK_TSO4     0x02u
#define IOREQD_NETWORK_TSO6     0x04u
#define IOREQD_NETWORK_ECN      0x08u /* TSO of packets with ECN */
#define IOREQD_NETWORK_UFO      0x10u
#define IOREQD_NETWORK_USO      0x20u /* UDP segmentation offload, IPv4 and IPv6 */

struct ioreqd_network_facts {
    uint32_t struct_size; /* set by the caller */
    uint32_t offloads;    /* both what it can be asked for, and what it may be let send: IOREQD_NETWORK_... */
    uint16_t queue_pairs; /* that it has at most, at least 1 */
    uint16_t mtu;         /* bytes of IP, 0: not known */
    uint8_t mac[6];       /* address that suits the guest's end; all 0: none is known */
    uint8_t reserved[2];
    uint32_t hash_types; /* that network_set_steering() knows: IOREQD_NETWORK_HASH_...; 0: it cannot be told */
};

/* What packets for the guest may be hashed by, as masks: those of virtio 1.4 §5.1.9.4.2.1. */
#define IOREQD_NETWORK_HASH_IPV4  0x01u
#define IOREQD_NETWORK_HASH_TCPV4 0x02u
#define IOREQD_NETWORK_HASH_UDPV4 0x04u
#define IOREQD_NETWORK_HASH_IPV6  0x08u
#define IOREQD_NETWORK_HASH_TCPV6 0x10u
#define IOREQD_NETWORK_HASH_UDPV6 0x20u

#define IOREQD_NETWORK_TABLE_MOST 128 /* entries of a steering's table */
#define IOREQD_NETWORK_KEY_MOST   40  /* bytes of its key */

/*
 * How a network picks the queue pair of a packet for the guest (virtio 1.4 §5.1.9.5.7): by the Toeplitz hash of addresses
 * and ports, of whose lowest bits the table makes a pair; a packet that has no hash goes to one pair of all those.
 */
struct ioreqd_network_steering {
    uint32_t struct_size; /* set by the caller */
    uint32_t hash_types;  /* IOREQD_NETWORK_HASH_..., of those in the facts */
    uint16_t unclassified;
    uint16_t entries;      /* of the table: a power of 2 */
    uint32_t key_length;   /* bytes; what is missing is 0 */
    const uint16_t *table; /* queue pairs */
    const uint8_t *key;
};

/*
 * The functions of the host. One table serves all devices of a module.
 *
 * DMA addresses are what the guest's driver programs into the device: guest-physical ones, or, with bit 63 set, the
 * number of a page that the guest granted (from bit 12) and the offset in it, which is mapped no longer than dma_map()
 * or a window lasts. Access fails with -EIO while the guest has bus mastering off, and with -EFAULT where there is no
 * RAM, or nothing granted.
 */
struct ioreqd_host {
    uint32_t struct_size;
    uint32_t abi;

    /* Copies guest memory, all or nothing. Every byte is read once. [any] */
    int (*dma_read)(struct ioreqd_device *device, uint64_t address, void *to, size_t length);
    int (*dma_write)(struct ioreqd_device *device, uint64_t address, const void *from, size_t length);

    /*
     * Makes guest memory usable for file requests and copies, as pieces in iov[]. pin[i] keeps iov[i] in place until
     * dma_unmap(). Returns the number of pieces, at least 1, or -E2BIG when count is too small; length is not 0. The
     * guest may change the bytes at any time: copy, check, use. [any]
     */
    int (*dma_map)(struct ioreqd_device *device, uint64_t address, size_t length, enum ioreqd_direction direction,
                   struct iovec *iov, uint64_t *pin, unsigned count);
    void (*dma_unmap)(struct ioreqd_device *device, const uint64_t *pin, unsigned count);

    /*
     * A window shows length bytes of guest memory at one place for long: rings. window_base() gives where, or NULL
     * when the guest has taken the memory away or turned bus mastering off; the answer holds until the caller returns
     * to its loop. A window is opened and closed while no loop uses it, on any loop, and used on one at a time. [any]
     */
    int (*window_open)(struct ioreqd_device *device, uint64_t address, size_t length, struct ioreqd_window **window);
    volatile void *(*window_base)(struct ioreqd_window *window);
    void (*window_close)(struct ioreqd_window *window);

    /* Sends the message of an MSI-X vector; pends while masked, is dropped while MSI-X is off. [any] */
    void (*msix)(struct ioreqd_device *device, unsigned vector);
    /* Whether the guest has MSI-X enabled: if so, intx() has no effect (PCI 3.0 6.8.3.3). [any] */
    int (*msix_enabled)(struct ioreqd_device *device);
    /* The level of the INTx line, 1 asserted. [any] */
    void (*intx)(struct ioreqd_device *device, int level);

    /*
     * The loop that serves a queue. Queues of one group share one, and the host decides which groups do. [any]
     */
    struct ioreqd_loop *(*queue_loop)(struct ioreqd_device *device, unsigned queue);
    struct ioreqd_loop *(*main_loop)(struct ioreqd_device *device);
    /* Has work run on a loop, soon, and once however often it is posted before it runs. [any] */
    void (*post)(struct ioreqd_loop *loop, struct ioreqd_work *work);

    /* Size in bytes, and the path for messages to people is the host's own affair. [any] */
    uint64_t (*file_size)(struct ioreqd_file *file);
    int (*file_read_only)(struct ioreqd_file *file);
    /*
     * Starts a request on the loop that the caller runs on. Several of one turn of the loop go out together. It lies
     * inside file_size(), and a file that is read-only is not written: the model checks. [any]
     */
    void (*file_submit)(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_file *file,
                        struct ioreqd_file_request *request);

    /* Answers quiesce(). [any] */
    void (*quiesced)(struct ioreqd_device *device);

    /* A line in the log, prefixed with the device's name and limited in rate. [any] */
    void (*log)(struct ioreqd_device *device, enum ioreqd_log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
    /* The guest broke a rule: counted, logged at a limited rate, never fatal. [any] */
    void (*guest_error)(struct ioreqd_device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));
    /* In create(): why the value of a property cannot be used and what would do. */
    void (*property_error)(struct ioreqd_device *device, const char *property, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

    /*
     * Sends the message of an MSI vector; pends while masked, is dropped while MSI is off. A vector beyond those that
     * the guest granted goes out as the last one granted (PCI 3.0 6.8.3.4). [any]
     */
    void (*msi)(struct ioreqd_device *device, unsigned vector);
    /* Whether the guest has MSI enabled: if so, intx() has no effect (PCI 3.0 6.8.3.3). [any] */
    int (*msi_enabled)(struct ioreqd_device *device);

    /* Nanoseconds since some moment in the past; never goes back. [any] */
    uint64_t (*now)(struct ioreqd_device *device);
    /*
     * A timer that calls fire(argument) on the loop when its time has come. It is set, and destroyed, on that loop or
     * while the loop does not run: in create() and destroy(). 0 or -ENOMEM. [loop]
     */
    int (*timer_create)(struct ioreqd_device *device, struct ioreqd_loop *loop, void (*fire)(void *argument),
                        void *argument, struct ioreqd_timer **timer);
    /* Fires once, at a time of now() or soon after; at once where that has passed. 0 takes the setting back. */
    void (*timer_set)(struct ioreqd_timer *timer, uint64_t deadline);
    void (*timer_destroy)(struct ioreqd_timer *timer);

    /*
     * The device is broken beyond what its driver can mend by itself: from now on it reads as all ones, reaches no
     * memory and raises no interrupt, until a reset of its bus. Other devices are not touched. The reason, for people,
     * goes to the log as an error. [any]
     */
    void (*fail)(struct ioreqd_device *device, const char *format, ...) __attribute__((format(printf, 2, 3)));
    /*
     * Something that whoever looks after the guest may want to hear of: a medium that changed, a link that came up. name
     * is lower case letters, digits and '-'; json is an object, or NULL. [any]
     */
    void (*event)(struct ioreqd_device *device, const char *name, const char *json);

    /*
     * Has ready(argument, events) called on the loop while the descriptor, which stays the model's, is ready for what
     * was asked for with watch_set(): IOREQD_READABLE, IOREQD_WRITABLE, both, or 0 for neither, as at the beginning.
     * Made, set and destroyed on that loop or while the loop does not run: in create() and destroy(). 0 or -errno.
     * [loop]
     */
    int (*watch_create)(struct ioreqd_device *device, struct ioreqd_loop *loop, int descriptor,
                        void (*ready)(void *argument, unsigned events), void *argument, struct ioreqd_watch **watch);
    void (*watch_set)(struct ioreqd_watch *watch, unsigned events);
    void (*watch_destroy)(struct ioreqd_watch *watch);

    /*
     * A stream is used on one loop, that of stream_watch(), which is called once, in create(): ready(argument, events)
     * is then called on that loop for what was asked for with stream_want(), and for IOREQD_CONNECTED always. 0 or
     * -errno. [loop]
     */
    int (*stream_watch)(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_stream *stream,
                        void (*ready)(void *argument, unsigned events), void *argument);
    void (*stream_want)(struct ioreqd_stream *stream, unsigned events);
    /* Moves at most length bytes and returns how many; 0: there are none now. Never waits. */
    size_t (*stream_read)(struct ioreqd_stream *stream, void *to, size_t length);
    /* Takes at most length bytes and returns how many; fewer: there is no room now. With nobody at the other end all
     * are taken, and lost. Never waits. */
    size_t (*stream_write)(struct ioreqd_stream *stream, const void *from, size_t length);
    /* Whether there is somebody at the other end. */
    int (*stream_connected)(struct ioreqd_stream *stream);

    /* What the file can do. Settled before create(); file_size() alone may change. [any] */
    void (*file_facts)(struct ioreqd_file *file, struct ioreqd_file_facts *facts);
    /*
     * Has changed(argument) called on the main loop when file_size() has changed: the medium was resized. Called once, in
     * create(). A request that lies beyond the new end fails.
     */
    int (*file_on_resize)(struct ioreqd_device *device, struct ioreqd_file *file, void (*changed)(void *argument),
                          void *argument);

    /*
     * A network. Each queue pair is used on one loop, that of network_watch(), which is called in create(): ready(argument,
     * events) is then called on that loop for what was asked for with network_want(), and for IOREQD_CONNECTED always: the
     * link came up or went down. 0 or -errno. [loop]
     */
    void (*network_facts)(struct ioreqd_network *network, struct ioreqd_network_facts *facts); /* [any] */
    int (*network_watch)(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_network *network,
                         unsigned pair, void (*ready)(void *argument, unsigned events), void *argument);
    void (*network_want)(struct ioreqd_network *network, unsigned pair, unsigned events);
    /*
     * Moves one packet with its header; to, or the pieces of iov, in all at least IOREQD_NETWORK_HEADER bytes. Return the
     * number of bytes, or -EAGAIN: there is none, or no room, now; ready() will tell. A packet that is longer than length
     * or IOREQD_NETWORK_MAX_PACKET, or that asks for an offload that is not agreed on any more, is dropped: -EMSGSIZE.
     * Without a link writes are taken, and lost, and so is what the network refuses. Never wait. [loop]
     */
    int (*network_read)(struct ioreqd_network *network, unsigned pair, void *to, size_t length);
    int (*network_write)(struct ioreqd_network *network, unsigned pair, const struct iovec *iov, unsigned count);
    /*
     * offloads: what packets to the guest may from now on ask of it, of those in the facts. queue_pairs: how many are in
     * use, from the first. On the main loop; 0 or -errno.
     */
    int (*network_set_offloads)(struct ioreqd_network *network, uint32_t offloads);
    int (*network_set_queue_pairs)(struct ioreqd_network *network, unsigned queue_pairs);
    /* Whether there is a link. [any] */
    int (*network_link)(struct ioreqd_network *network);

    /*
     * Unix stream sockets for a path that the model never sees. sockets_listen(), called once, in create(), has
     * came(argument, descriptor) called on the loop for whoever connects to the path; sockets_connect() connects to the
     * path with suffix appended ([A-Za-z0-9_.-]+), and returns a descriptor at once, or -errno; -EAGAIN: whoever listens is
     * behind with accepting. Descriptors are the model's, for watch_create(), and do not block. In a replay sockets is NULL,
     * though the property be required. [loop]
     */
    int (*sockets_listen)(struct ioreqd_device *device, struct ioreqd_loop *loop, struct ioreqd_sockets *sockets,
                          void (*came)(void *argument, int descriptor), void *argument);
    int (*sockets_connect)(struct ioreqd_sockets *sockets, const char *suffix);

    /*
     * The size of the terminal at the other end of a stream; 0 columns or rows: nobody has said. 0, or -ENOTTY: it is no
     * terminal. That it changed is told to who asks for IOREQD_RESIZED with stream_want().
     */
    int (*stream_size)(struct ioreqd_stream *stream, uint16_t *columns, uint16_t *rows);

    /*
     * How packets for the guest are spread over its queue pairs from now on; NULL: as the network likes, which it does at
     * the beginning. Pairs that it names are to be in use, see network_set_queue_pairs(). Nothing of steering is kept but
     * copied. On the main loop; 0 or -errno: -EINVAL what is out of range, -EOPNOTSUPP the network cannot do it.
     */
    int (*network_set_steering)(struct ioreqd_network *network, const struct ioreqd_network_steering *steering);

    /*
     * The device does nothing more until its driver resets it, as that broke a rule: people are shown it with the reason,
     * of which the first stays. NULL: the driver has reset it, as a reset by the bridge does in any case. What the driver
     * did is for guest_error(). [any]
     */
    void (*needs_reset)(struct ioreqd_device *device, const char *reason);
};

/*
 * The one symbol that a module exports. Called once when it is loaded, before any other code of it; host stays valid
 * for as long as the module. Returns a list of models that ends with NULL, or NULL when host is of no use to it.
 */
const struct ioreqd_model *const *ioreqd_module(const struct ioreqd_host *host);

#endif
