/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands that a server is sent, see file_nbd_private.h: their way through libnbd, and their answers.
 */
#include "device/file_nbd_private.h"

#include <errno.h>
#include <sys/mman.h>

#include "device/bounce.h"

#define CLEAR_BYTES (UINT64_C(256) << 20) /* of one command that clears */
#define LOST(error) ((error) == ENOTCONN || (error) == ESHUTDOWN || (error) == EPIPE || (error) == ECONNRESET)

void file_nbd_answer(struct nbd_call *call, int error)
{
    call->error = error;
    STAILQ_INSERT_TAIL(&call->nbd->answers, call, answered);
}

static int on_answer(void *argument, int *error)
{
    struct nbd_call *call = argument;

    if (call->nbd->handle != NULL) { /* else the connection is being closed, and nothing holds any more */
        file_nbd_answer(call, *error);
    }
    return 1; /* libnbd may forget it */
}

nbd_completion_callback file_nbd_then(struct nbd_call *call)
{
    return (nbd_completion_callback){.callback = on_answer, .user_data = call};
}

static bool is_useless(const struct file_nbd *nbd)
{
    return nbd_library.aio_is_dead(nbd->handle) > 0 || nbd_library.aio_is_closed(nbd->handle) > 0;
}

void file_nbd_sent(struct nbd_call *call, int64_t rc)
{
    int error;

    if (rc < 0) {
        error = nbd_library.get_errno();
        file_nbd_answer(call, is_useless(call->nbd) ? ENOTCONN : error != 0 ? error : EIO);
    }
}

bool file_nbd_settle(struct file_nbd *nbd)
{
    bool lost = false;
    struct nbd_call *call;

    while ((call = STAILQ_FIRST(&nbd->answers)) != NULL) {
        STAILQ_REMOVE_HEAD(&nbd->answers, answered);
        if (LOST(call->error)) {
            lost = true; /* it stays under way, to be sent again */
        } else {
            call->settle(call);
        }
    }
    return lost || is_useless(nbd);
}

/* ---- writing ---- */

uint64_t file_nbd_limit(const struct file_nbd *nbd, bool zeroes)
{
    const struct nbd_export *export = &nbd->export;

    if (zeroes && export->can_zero) {
        return CLEAR_BYTES;
    }
    return export->maximum < BOUNCE_BYTES ? export->maximum & ~(export->minimum - 1) : BOUNCE_BYTES;
}

void file_nbd_send_bytes(struct nbd_call *call, const uint8_t *bytes, uint64_t offset, uint64_t length)
{
    file_nbd_sent(call,
                  nbd_library.aio_pwrite(call->nbd->handle, bytes, (size_t)length, offset, file_nbd_then(call), 0));
}

/* Read only, so that all of it is the system's one page of zeroes. */
static const uint8_t *zeroes_of(struct file_nbd *nbd)
{
    void *memory;

    if (nbd->zeroes == NULL) {
        memory = mmap(NULL, BOUNCE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        nbd->zeroes = memory != MAP_FAILED ? memory : NULL;
    }
    return nbd->zeroes;
}

void file_nbd_send_zeroes(struct nbd_call *call, uint64_t offset, uint64_t length, bool may_unmap)
{
    struct file_nbd *nbd = call->nbd;

    if (nbd->export.can_zero) {
        file_nbd_sent(call, nbd_library.aio_zero(nbd->handle, length, offset, file_nbd_then(call),
                                                 may_unmap ? 0 : LIBNBD_CMD_FLAG_NO_HOLE));
    } else if (zeroes_of(nbd) != NULL) {
        file_nbd_send_bytes(call, nbd->zeroes, offset, length);
    } else {
        file_nbd_answer(call, ENOMEM);
    }
}
