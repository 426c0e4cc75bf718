/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all networks share, see network.h.
 *
 * A call of the device must not call it back, so what is found out during one is told in the next turn of the loop,
 * by a timer that is due at once. The same timer tells, again and again, of what is at hand and no descriptor shows:
 * the device may take as few packets in a turn as it likes.
 */
#include "device/network.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/loop.h"
#include "device/network_private.h"
#include "log.h"

#define AT_ONCE 1u /* a time that has passed */

static const struct network_kind *const kinds[] = {&network_tap, &network_passt, &network_unix};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

int network_refuse(char *reason, size_t size, int error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(reason, size, format, arguments);
    va_end(arguments);
    errno = error;
    return -1;
}

/* ---- opening and closing ---- */

static int unknown_kind(char *reason, size_t size)
{
    char forms[128] = "";
    size_t used = 0;

    for (size_t i = 0; i < KINDS; i++) {
        used += (size_t)snprintf(forms + used, sizeof(forms) - used, "%s, ", kinds[i]->form);
    }
    return network_refuse(reason, size, EINVAL, "it is no network: give %sor none", forms);
}

static const struct network_kind *find_kind(const char *value, const char **argument)
{
    for (size_t i = 0; i < KINDS; i++) {
        size_t length = strlen(kinds[i]->name);

        if (strncmp(value, kinds[i]->name, length) == 0 && (value[length] == 0 || value[length] == ':')) {
            *argument = value[length] == ':' ? value + length + 1 : "";
            return kinds[i];
        }
    }
    return NULL;
}

int network_open(const char *value, bool check, struct ioreqd_network **opened, char *reason, size_t size)
{
    const struct network_kind *kind;
    struct ioreqd_network *network;
    const char *argument;
    int rc, error;

    *opened = NULL;
    if (strcmp(value, "none") == 0) {
        return 0;
    }
    kind = find_kind(value, &argument);
    if (kind == NULL) {
        return unknown_kind(reason, size);
    }
    if (argument[0] == 0) {
        return network_refuse(reason, size, EINVAL, "it is incomplete: give %s", kind->form);
    }
    network = calloc(1, sizeof(*network));
    if (network == NULL || (network->place = strdup(value)) == NULL) {
        free(network);
        return network_refuse(reason, size, ENOMEM, "out of memory");
    }
    network->kind = kind;
    rc = kind->open(network, argument, check, reason, size);
    if (rc == 0 && !check) {
        *opened = network;
        return 0;
    }
    error = errno;
    free(network->place);
    free(network);
    errno = error;
    return rc;
}

static void free_pair(struct network_pair *pair)
{
    timer_free(pair->notice);
    free(pair);
}

void network_close(struct ioreqd_network *network)
{
    if (network == NULL) {
        return;
    }
    for (unsigned i = 0; i < NETWORK_PAIRS; i++) {
        if (network->pair[i] != NULL) {
            network->kind->detach(network->pair[i]);
            free_pair(network->pair[i]);
        }
    }
    network->kind->close(network);
    free(network->place);
    free(network);
}

const char *network_place(const struct ioreqd_network *network)
{
    return network->place;
}

/* ---- telling the device ---- */

static unsigned at_hand(struct network_pair *pair)
{
    if (atomic_load(&pair->network->pulled)) {
        return pair->asked & IOREQD_WRITABLE; /* to be lost */
    }
    return pair->network->kind->at_hand(pair) & pair->wanted;
}

static void tell_soon(struct network_pair *pair)
{
    if (!pair->noticed) {
        pair->noticed = true;
        timer_arm(pair->notice, AT_ONCE);
    }
}

/* After the device has called: it hears again of what it wanted and left. In ready(), that is seen at its end. */
static void tell_again(struct network_pair *pair)
{
    if (!pair->calling && at_hand(pair) != 0) {
        tell_soon(pair);
    }
}

void network_tell(struct network_pair *pair, unsigned events)
{
    events &= (atomic_load(&pair->network->pulled) ? pair->asked & IOREQD_WRITABLE : pair->wanted) | IOREQD_CONNECTED;
    if (events == 0) {
        return;
    }
    pair->calling = true;
    pair->ready(pair->argument, events);
    pair->calling = false;
    tell_again(pair);
}

void network_notice(struct network_pair *pair, unsigned events)
{
    pair->link_news = pair->link_news || (events & IOREQD_CONNECTED) != 0;
    tell_soon(pair);
}

static void on_notice(void *argument)
{
    struct network_pair *pair = argument;
    unsigned events = at_hand(pair) | (pair->link_news ? IOREQD_CONNECTED : 0);

    pair->noticed = false;
    pair->link_news = false;
    network_tell(pair, events);
}

/* ---- the cable ---- */

static void set_wanted(struct network_pair *pair)
{
    pair->wanted = atomic_load(&pair->network->pulled) ? 0 : pair->asked;
    pair->network->kind->wait(pair);
}

/* On the pair's loop. */
static void follow_pull(void *argument)
{
    struct network_pair *pair = argument;

    set_wanted(pair);
    network_notice(pair, IOREQD_CONNECTED);
}

void network_pull(struct ioreqd_network *network, bool pulled)
{
    if (atomic_exchange(&network->pulled, pulled) == pulled) {
        return;
    }
    for (unsigned i = 0; i < NETWORK_PAIRS; i++) {
        if (network->pair[i] != NULL) {
            loop_post(network->pair[i]->loop, &network->pair[i]->follow_pull);
        }
    }
}

/* ---- what the device calls ---- */

void network_facts(struct ioreqd_network *network, struct ioreqd_network_facts *facts)
{
    uint32_t size = facts->struct_size;

    memcpy(facts, &network->facts, size < sizeof(*facts) ? size : sizeof(*facts));
    facts->struct_size = size;
}

int network_attach(struct ioreqd_loop *main_loop, struct ioreqd_loop *loop, struct ioreqd_network *network,
                   unsigned index, void (*ready)(void *argument, unsigned events), void *argument)
{
    struct network_pair *pair;
    int rc;

    if (index >= network->facts.queue_pairs) {
        log_line(LOG_ERROR, NULL, "%s: it has %u queue pair%s: pair %u is too many", network->place,
                 network->facts.queue_pairs, network->facts.queue_pairs == 1 ? "" : "s", index);
        return -EINVAL;
    }
    if (network->pair[index] != NULL) {
        return -EBUSY;
    }
    if (network->main_loop == NULL) {
        network->main_loop = main_loop;
        rc = network->kind->start != NULL ? network->kind->start(network) : 0;
        if (rc != 0) {
            network->main_loop = NULL;
            return rc;
        }
    }
    pair = calloc(1, sizeof(*pair));
    if (pair == NULL) {
        return -ENOMEM;
    }
    pair->network = network;
    pair->index = index;
    pair->loop = loop;
    pair->ready = ready;
    pair->argument = argument;
    pair->follow_pull = (struct ioreqd_work){.run = follow_pull, .argument = pair};
    pair->notice = timer_make(loop, on_notice, pair);
    rc = pair->notice != NULL ? network->kind->attach(pair) : -ENOMEM;
    if (rc != 0) {
        free_pair(pair);
        return rc;
    }
    network->pair[index] = pair;
    return 0;
}

/* NULL: the model uses a pair that it does not watch. */
static struct network_pair *pair_of(struct ioreqd_network *network, unsigned index)
{
    return index < NETWORK_PAIRS ? network->pair[index] : NULL;
}

void network_want(struct ioreqd_network *network, unsigned index, unsigned events)
{
    struct network_pair *pair = pair_of(network, index);

    if (pair != NULL) {
        pair->asked = events & (IOREQD_READABLE | IOREQD_WRITABLE);
        set_wanted(pair);
        tell_again(pair);
    }
}

static void count_received(struct network_tally *own, int rc)
{
    if (rc >= 0) {
        tally_add(&own->received, 1);
        tally_add(&own->bytes_received, (uint64_t)rc - IOREQD_NETWORK_HEADER);
    } else if (rc != -EAGAIN) {
        tally_add(rc == -EMSGSIZE ? &own->unfit : &own->errors, 1);
    }
}

static void count_sent(struct network_tally *own, int rc)
{
    if (rc >= 0) {
        tally_add(&own->sent, 1);
        tally_add(&own->bytes_sent, (uint64_t)rc - IOREQD_NETWORK_HEADER);
    } else if (rc != -EAGAIN) {
        tally_add(rc == -ENOTCONN ? &own->without_link : &own->refused, 1);
    }
}

void network_add_counts(const struct ioreqd_network *network, struct network_counts *counts)
{
    for (unsigned i = 0; i < NETWORK_PAIRS; i++) {
        if (network->pair[i] != NULL) {
            const struct network_tally *own = &network->pair[i]->tally;

            counts->sent += tally_read(&own->sent);
            counts->bytes_sent += tally_read(&own->bytes_sent);
            counts->received += tally_read(&own->received);
            counts->bytes_received += tally_read(&own->bytes_received);
            counts->without_link += tally_read(&own->without_link);
            counts->wrong_length += tally_read(&own->wrong_length);
            counts->refused += tally_read(&own->refused);
            counts->unfit += tally_read(&own->unfit);
            counts->errors += tally_read(&own->errors);
        }
    }
}

int network_read(struct ioreqd_network *network, unsigned index, void *to, size_t length)
{
    struct network_pair *pair = pair_of(network, index);
    int rc;

    if (pair == NULL || length < IOREQD_NETWORK_HEADER) {
        return -EINVAL;
    }
    rc = atomic_load(&network->pulled) ? -EAGAIN : network->kind->read(pair, to, length);
    count_received(&pair->tally, rc);
    tell_again(pair);
    return rc >= 0 || rc == -EAGAIN ? rc : -EMSGSIZE; /* a packet that could not be moved is gone */
}

int network_write(struct ioreqd_network *network, unsigned index, const struct iovec *iov, unsigned count)
{
    struct network_pair *pair = pair_of(network, index);
    size_t length = 0;
    int rc;

    for (unsigned i = 0; i < count; i++) {
        length += iov[i].iov_len;
    }
    if (pair == NULL || length < IOREQD_NETWORK_HEADER) {
        return -EINVAL;
    }
    if (length > IOREQD_NETWORK_HEADER + IOREQD_NETWORK_MAX_PACKET) {
        tally_add(&pair->tally.wrong_length, 1);
        return -EMSGSIZE;
    }
    if (length < IOREQD_NETWORK_HEADER + NETWORK_SHORTEST) {
        tally_add(&pair->tally.wrong_length, 1);
        return (int)length; /* lost */
    }
    rc = network_link(network) ? network->kind->write(pair, iov, count, length) : -ENOTCONN;
    count_sent(&pair->tally, rc);
    return rc == -EAGAIN ? rc : (int)length; /* what is lost was taken */
}

int network_set_offloads(struct ioreqd_network *network, uint32_t offloads)
{
    if ((offloads & ~network->facts.offloads) != 0) {
        return -EINVAL;
    }
    return network->kind->set_offloads != NULL ? network->kind->set_offloads(network, offloads) : 0;
}

int network_set_queue_pairs(struct ioreqd_network *network, unsigned queue_pairs)
{
    if (queue_pairs == 0 || queue_pairs > network->facts.queue_pairs) {
        return -EINVAL;
    }
    for (unsigned i = 0; i < queue_pairs; i++) {
        if (network->pair[i] == NULL) {
            return -EINVAL;
        }
    }
    return network->kind->set_queue_pairs != NULL ? network->kind->set_queue_pairs(network, queue_pairs) : 0;
}

static bool is_steering(const struct ioreqd_network *network, const struct ioreqd_network_steering *steering)
{
    const struct ioreqd_network_facts *facts = &network->facts;

    if ((steering->hash_types & ~facts->hash_types) != 0 || steering->unclassified >= facts->queue_pairs ||
        steering->entries == 0 || steering->entries > IOREQD_NETWORK_TABLE_MOST ||
        (steering->entries & (steering->entries - 1)) != 0 || steering->key_length > IOREQD_NETWORK_KEY_MOST) {
        return false;
    }
    for (unsigned i = 0; i < steering->entries; i++) {
        if (steering->table[i] >= facts->queue_pairs) {
            return false;
        }
    }
    return true;
}

int network_set_steering(struct ioreqd_network *network, const struct ioreqd_network_steering *steering)
{
    if (network->kind->set_steering == NULL || network->facts.hash_types == 0) {
        return -EOPNOTSUPP;
    }
    if (steering != NULL && !is_steering(network, steering)) {
        return -EINVAL;
    }
    return network->kind->set_steering(network, steering);
}

int network_link(struct ioreqd_network *network)
{
    return atomic_load(&network->link) && !atomic_load(&network->pulled);
}
