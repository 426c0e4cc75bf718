/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel runs for every packet to the guest, see network_tap_steering.c, and network_steering.h for what it
 * computes: instructions of BPF in a table. Jumps name labels, which are resolved when it is assembled.
 */
#include "device/network_tap_steering_program.h"

#include <stddef.h>

#include "device/network_steering.h"

enum label {
    NOWHERE,
    TYPE_KNOWN,
    IPV4,
    IPV4_TCP,
    IPV4_UDP,
    IPV4_PORTS,
    IPV4_ALONE,
    IPV6,
    IPV6_NEXT,
    IPV6_SKIP,
    IPV6_SKIP_AUTHENTICATION,
    IPV6_FRAGMENT,
    IPV6_COUNT,
    IPV6_TCP,
    IPV6_UDP,
    IPV6_PORTS,
    IPV6_ALONE,
    HASH,
    UNCLASSIFIED,
    NO_MAP,
    LABELS
};

struct step {
    struct bpf_insn insn;
    uint8_t label; /* not NOWHERE: no instruction, but a place */
    uint8_t to;    /* where a jump leads */
};

#define STEP(code_, to_, from_, offset_, value_)                                                                       \
    {                                                                                                                  \
        .insn = {.code = (code_), .dst_reg = (to_), .src_reg = (from_), .off = (offset_), .imm = (value_) }            \
    }
#define JUMP(code_, reg_, value_, label_)                                                                              \
    {                                                                                                                  \
        .insn = {.code = (code_), .dst_reg = (reg_), .imm = (value_)}, .to = (label_)                                  \
    }

#define LABEL(label_)                                                                                                  \
    {                                                                                                                  \
        .label = (label_)                                                                                              \
    }
#define GOTO(label_)                     JUMP(BPF_JMP | BPF_JA, 0, 0, label_)
#define IF_EQUAL(reg, value, label_)     JUMP(BPF_JMP | BPF_JEQ | BPF_K, reg, value, label_)
#define IF_NOT_EQUAL(reg, value, label_) JUMP(BPF_JMP | BPF_JNE | BPF_K, reg, value, label_)
#define IF_LESS(reg, value, label_)      JUMP(BPF_JMP | BPF_JLT | BPF_K, reg, value, label_)
#define IF_ANY(reg, bits, label_)        JUMP(BPF_JMP | BPF_JSET | BPF_K, reg, bits, label_)

#define SET(reg, value)   STEP(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, value)
#define COPY(to, from)    STEP(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define ADD(reg, value)   STEP(BPF_ALU64 | BPF_ADD | BPF_K, reg, 0, 0, value)
#define ADD_TO(to, from)  STEP(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0)
#define AND(reg, value)   STEP(BPF_ALU64 | BPF_AND | BPF_K, reg, 0, 0, value)
#define AND_TO(to, from)  STEP(BPF_ALU64 | BPF_AND | BPF_X, to, from, 0, 0)
#define XOR_TO(to, from)  STEP(BPF_ALU64 | BPF_XOR | BPF_X, to, from, 0, 0)
#define LEFT(reg, value)  STEP(BPF_ALU64 | BPF_LSH | BPF_K, reg, 0, 0, value)
#define FROM_NETWORK(reg) STEP(BPF_ALU | BPF_END | BPF_TO_BE, reg, 0, 0, 16) /* of 16 bits */

#define LOAD(size, to, from, offset)   STEP(BPF_LDX | (size) | BPF_MEM, to, from, offset, 0)
#define STORE(size, offset, from)      STEP(BPF_STX | (size) | BPF_MEM, FRAME, from, offset, 0)
#define STORE_ZERO(size, offset)       STEP(BPF_ST | (size) | BPF_MEM, FRAME, 0, offset, 0)
#define MOVE(size, to_offset, offset_) LOAD(size, R1, FRAME, offset_), STORE(size, to_offset, R1)

#define CALL(function) STEP(BPF_JMP | BPF_CALL, 0, 0, 0, function)
#define RETURN         STEP(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* Two instructions: the second one is the upper half of the number. */
#define LOAD_MAP(reg) STEP(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_FD, 0, 0), STEP(0, 0, 0, 0, 0)

/* Registers: 1 to 5 are arguments and lost with a call, 6 to 9 are kept. */
enum { R0, R1, R2, R3, R4, R5, PACKET, MAP, NEXT, PLACE, FRAME };
#define SUM NEXT /* of the hash, when there is no next header any more */

/* The frame, down from its end. */
#define INDEX    (-4)
#define INPUT    (-40) /* STEERING_INPUT bytes */
#define HEADER   (-80) /* 40 bytes of the packet */
#define SKIPPED  (-88) /* headers */
#define PORTS_V4 (INPUT + 8)
#define PORTS_V6 (INPUT + 32)

/* From the start of Ethernet's header, wherever the packet begins. */
#define READ(at_offset, bytes)                                                                                         \
    COPY(R1, PACKET), COPY(R2, PLACE), COPY(R3, FRAME), ADD(R3, at_offset), SET(R4, bytes),                            \
        SET(R5, BPF_HDR_START_MAC), CALL(BPF_FUNC_skb_load_bytes_relative)

#define TYPES(reg) LOAD(BPF_W, reg, MAP, offsetof(struct steering, hash_types))

/* Adds a byte of the input to the hash; R1 is at the table of its place, and moves on. */
#define HASH_BYTE(i)                                                                                                   \
    LOAD(BPF_B, R2, FRAME, INPUT + (i)), LEFT(R2, 2), ADD_TO(R2, R1), LOAD(BPF_W, R3, R2, 0), XOR_TO(SUM, R3),         \
        ADD(R1, 256 * 4)
#define HASH_WORD(i)  HASH_BYTE(i), HASH_BYTE((i) + 1), HASH_BYTE((i) + 2), HASH_BYTE((i) + 3)
#define HASH_WORDS(i) HASH_WORD(i), HASH_WORD((i) + 4), HASH_WORD((i) + 8)

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_VLAN = 0x8100, ETHERTYPE_IPV6 = 0x86dd, ETHERTYPE_OUTER_VLAN = 0x88a8 };
enum { HOP_BY_HOP = 0, TCP = 6, UDP = 17, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, DESTINATION = 60 };

#define SKIPPED_MOST 8 /* extension headers: behind more there are no ports */

static const struct step steps[] = {
    COPY(PACKET, R1),
    STORE_ZERO(BPF_W, INDEX),
    LOAD_MAP(R1),
    COPY(R2, FRAME),
    ADD(R2, INDEX),
    CALL(BPF_FUNC_map_lookup_elem),
    IF_EQUAL(R0, 0, NO_MAP), /* cannot be, but the kernel wants it asked */
    COPY(MAP, R0),
    STORE_ZERO(BPF_DW, INPUT),
    STORE_ZERO(BPF_DW, INPUT + 8),
    STORE_ZERO(BPF_DW, INPUT + 16),
    STORE_ZERO(BPF_DW, INPUT + 24),
    STORE_ZERO(BPF_W, INPUT + 32),
    STORE_ZERO(BPF_DW, SKIPPED),

    /* Ethernet, with one VLAN tag at most. */
    SET(PLACE, 12),
    READ(HEADER, 2),
    IF_NOT_EQUAL(R0, 0, UNCLASSIFIED),
    LOAD(BPF_H, R1, FRAME, HEADER),
    FROM_NETWORK(R1),
    IF_EQUAL(R1, ETHERTYPE_IPV4, TYPE_KNOWN),
    IF_EQUAL(R1, ETHERTYPE_IPV6, TYPE_KNOWN),
    IF_NOT_EQUAL(R1, ETHERTYPE_VLAN, UNCLASSIFIED),
    ADD(PLACE, 4),
    READ(HEADER, 2),
    IF_NOT_EQUAL(R0, 0, UNCLASSIFIED),
    LOAD(BPF_H, R1, FRAME, HEADER),
    FROM_NETWORK(R1),
    LABEL(TYPE_KNOWN),
    ADD(PLACE, 2),
    IF_EQUAL(R1, ETHERTYPE_IPV4, IPV4),
    IF_EQUAL(R1, ETHERTYPE_IPV6, IPV6),
    GOTO(UNCLASSIFIED),

    LABEL(IPV4),
    READ(HEADER, 20),
    IF_NOT_EQUAL(R0, 0, UNCLASSIFIED),
    MOVE(BPF_W, INPUT, HEADER + 12),
    MOVE(BPF_W, INPUT + 4, HEADER + 16),
    LOAD(BPF_H, R1, FRAME, HEADER + 6),
    FROM_NETWORK(R1),
    IF_ANY(R1, 0x3fff, IPV4_ALONE), /* a fragment: others of its packet have no ports */
    LOAD(BPF_B, R1, FRAME, HEADER),
    AND(R1, 0xf), /* words of the header */
    IF_LESS(R1, 5, UNCLASSIFIED),
    LEFT(R1, 2),
    ADD_TO(PLACE, R1),
    LOAD(BPF_B, R1, FRAME, HEADER + 9),
    TYPES(R2),
    IF_EQUAL(R1, TCP, IPV4_TCP),
    IF_EQUAL(R1, UDP, IPV4_UDP),
    GOTO(IPV4_ALONE),
    LABEL(IPV4_TCP),
    IF_ANY(R2, IOREQD_NETWORK_HASH_TCPV4, IPV4_PORTS),
    GOTO(IPV4_ALONE),
    LABEL(IPV4_UDP),
    IF_ANY(R2, IOREQD_NETWORK_HASH_UDPV4, IPV4_PORTS),
    GOTO(IPV4_ALONE),
    LABEL(IPV4_PORTS),
    READ(PORTS_V4, 4), /* zeros where there are none */
    IF_EQUAL(R0, 0, HASH),
    LABEL(IPV4_ALONE),
    TYPES(R2),
    IF_ANY(R2, IOREQD_NETWORK_HASH_IPV4, HASH),
    GOTO(UNCLASSIFIED),

    LABEL(IPV6),
    READ(HEADER, 40),
    IF_NOT_EQUAL(R0, 0, UNCLASSIFIED),
    MOVE(BPF_DW, INPUT, HEADER + 8),
    MOVE(BPF_DW, INPUT + 8, HEADER + 16),
    MOVE(BPF_DW, INPUT + 16, HEADER + 24),
    MOVE(BPF_DW, INPUT + 24, HEADER + 32),
    LOAD(BPF_B, NEXT, FRAME, HEADER + 6),
    ADD(PLACE, 40),
    LABEL(IPV6_NEXT),
    TYPES(R2),
    IF_EQUAL(NEXT, TCP, IPV6_TCP),
    IF_EQUAL(NEXT, UDP, IPV6_UDP),
    IF_EQUAL(NEXT, HOP_BY_HOP, IPV6_SKIP),
    IF_EQUAL(NEXT, ROUTING, IPV6_SKIP),
    IF_EQUAL(NEXT, DESTINATION, IPV6_SKIP),
    IF_EQUAL(NEXT, FRAGMENT, IPV6_FRAGMENT),
    IF_EQUAL(NEXT, AUTHENTICATION, IPV6_SKIP_AUTHENTICATION),
    GOTO(IPV6_ALONE),
    LABEL(IPV6_SKIP),
    READ(HEADER, 2),
    IF_NOT_EQUAL(R0, 0, IPV6_ALONE),
    LOAD(BPF_B, NEXT, FRAME, HEADER),
    LOAD(BPF_B, R1, FRAME, HEADER + 1),
    ADD(R1, 1), /* in units of 8 bytes, without the first */
    LEFT(R1, 3),
    ADD_TO(PLACE, R1),
    GOTO(IPV6_COUNT),
    LABEL(IPV6_SKIP_AUTHENTICATION),
    READ(HEADER, 2),
    IF_NOT_EQUAL(R0, 0, IPV6_ALONE),
    LOAD(BPF_B, NEXT, FRAME, HEADER),
    LOAD(BPF_B, R1, FRAME, HEADER + 1),
    ADD(R1, 2), /* in units of 4 bytes, without the first two */
    LEFT(R1, 2),
    ADD_TO(PLACE, R1),
    GOTO(IPV6_COUNT),
    LABEL(IPV6_FRAGMENT),
    READ(HEADER, 4),
    IF_NOT_EQUAL(R0, 0, IPV6_ALONE),
    LOAD(BPF_H, R1, FRAME, HEADER + 2),
    FROM_NETWORK(R1),
    IF_ANY(R1, 0xfff9, IPV6_ALONE), /* one of several */
    LOAD(BPF_B, NEXT, FRAME, HEADER),
    ADD(PLACE, 8),
    LABEL(IPV6_COUNT),
    LOAD(BPF_DW, R1, FRAME, SKIPPED),
    ADD(R1, 1),
    STORE(BPF_DW, SKIPPED, R1),
    IF_LESS(R1, SKIPPED_MOST + 1, IPV6_NEXT),
    GOTO(IPV6_ALONE),
    LABEL(IPV6_TCP),
    IF_ANY(R2, IOREQD_NETWORK_HASH_TCPV6, IPV6_PORTS),
    GOTO(IPV6_ALONE),
    LABEL(IPV6_UDP),
    IF_ANY(R2, IOREQD_NETWORK_HASH_UDPV6, IPV6_PORTS),
    GOTO(IPV6_ALONE),
    LABEL(IPV6_PORTS),
    READ(PORTS_V6, 4),
    IF_EQUAL(R0, 0, HASH),
    LABEL(IPV6_ALONE),
    TYPES(R2),
    IF_ANY(R2, IOREQD_NETWORK_HASH_IPV6, HASH),
    GOTO(UNCLASSIFIED),

    LABEL(HASH),
    SET(SUM, 0),
    COPY(R1, MAP),
    ADD(R1, offsetof(struct steering, hash)),
    HASH_WORDS(0),
    HASH_WORDS(12),
    HASH_WORDS(24),
    LOAD(BPF_H, R2, MAP, offsetof(struct steering, mask)),
    AND_TO(SUM, R2),
    AND(SUM, IOREQD_NETWORK_TABLE_MOST - 1), /* the kernel does not know what the mask is */
    LEFT(SUM, 1),
    ADD_TO(SUM, MAP),
    LOAD(BPF_H, R0, SUM, offsetof(struct steering, table)),
    RETURN,

    LABEL(UNCLASSIFIED),
    LOAD(BPF_H, R0, MAP, offsetof(struct steering, unclassified)),
    RETURN,

    LABEL(NO_MAP),
    SET(R0, 0),
    RETURN,
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

_Static_assert(STEPS <= TAP_STEERING_INSNS, "the program has its place");

unsigned tap_steering_assemble(struct bpf_insn insns[TAP_STEERING_INSNS], int map)
{
    unsigned place[LABELS] = {0}, count = 0;

    for (size_t i = 0; i < STEPS; i++) {
        place[steps[i].label] = count;
        count += steps[i].label == NOWHERE;
    }
    count = 0;
    for (size_t i = 0; i < STEPS; i++) {
        if (steps[i].label != NOWHERE) {
            continue;
        }
        insns[count] = steps[i].insn;
        if (steps[i].to != NOWHERE) {
            insns[count].off = (int16_t)((int)place[steps[i].to] - (int)count - 1);
        }
        if (insns[count].src_reg == BPF_PSEUDO_MAP_FD && insns[count].code == (BPF_LD | BPF_DW | BPF_IMM)) {
            insns[count].imm = map;
        }
        count++;
    }
    return count;
}
