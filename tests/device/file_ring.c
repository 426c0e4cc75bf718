/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * File requests, by io_uring and by plain system calls: both ways show the same. _i of each test: 1 asks for io_uring;
 * where the kernel has none, that way is the plain one again.
 */
#define _GNU_SOURCE /* memfd_create() */
#include "device/file_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "device/loop.h"
#include "tests/device/bench.h"

#define PIECE 4096u
#define MANY  1000u /* more than the ring sends out at once */

static struct file_ring *ring;
static int fd;
static unsigned done_count;
static struct ioreqd_file_request *done_last;

static void on_done(struct ioreqd_file_request *request)
{
    done_last = request;
    done_count++;
}

/* A request as one operation on a descriptor. */
static void operation_done(struct file_operation *operation, int result)
{
    struct ioreqd_file_request *request =
        (struct ioreqd_file_request *)(void *)((char *)operation - offsetof(struct ioreqd_file_request, host));

    request->result = result;
    request->done(request);
}

static void submit(struct file_ring *on, int descriptor, struct ioreqd_file_request *request)
{
    struct file_operation *operation = (struct file_operation *)request->host;

    *operation = (struct file_operation){
        .done = operation_done,
        .iov = request->iov,
        .iov_count = request->iov_count,
        .fd = descriptor,
        .offset = request->offset,
        .length = request->length,
        .kind = request->operation,
        .flags = request->flags,
    };
    file_ring_submit(on, operation);
}

static void open_ring(bool try_uring)
{
    ring = file_ring_create(try_uring);
    ck_assert_ptr_nonnull(ring);
    ck_assert(try_uring || !file_ring_uses_uring(ring));
    fd = memfd_create("file", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    done_count = 0;
}

static void close_ring(void)
{
    file_ring_destroy(ring);
    close(fd);
}

/* Runs the ring until so many requests are done. */
static void run_until(unsigned count)
{
    const struct timespec pause = {.tv_nsec = 10000};

    for (unsigned idle = 0; done_count < count && idle < 1000000; idle++) {
        if (!file_ring_turn(ring)) {
            nanosleep(&pause, NULL);
        }
    }
    ck_assert_uint_eq(done_count, count);
    ck_assert(!file_ring_turn(ring));
}

static int32_t run_one(uint8_t operation, uint64_t offset, struct iovec *iov, uint32_t iov_count, int on)
{
    struct ioreqd_file_request request = {
        .operation = operation, .offset = offset, .iov = iov, .iov_count = iov_count, .result = 1, .done = on_done};
    unsigned before = done_count;

    submit(ring, on, &request);
    ck_assert_uint_eq(done_count, before); /* not before the turn ends */
    run_until(before + 1);
    ck_assert_ptr_eq(done_last, &request);
    return request.result;
}

START_TEST(pieces_are_written_and_read)
{
    uint8_t out[3][100], in[300];
    struct iovec pieces[3] = {{out[0], 100}, {out[1], 50}, {out[2], 100}};
    struct iovec whole = {in, 250};

    open_ring(_i != 0);
    for (unsigned i = 0; i < 3; i++) {
        memset(out[i], 'a' + (int)i, 100);
    }
    ck_assert_int_eq(run_one(IOREQD_FILE_WRITE, 1000, pieces, 3, fd), 0);
    ck_assert_int_eq(run_one(IOREQD_FILE_FLUSH, 0, NULL, 0, fd), 0);
    ck_assert_int_eq(run_one(IOREQD_FILE_READ, 1000, &whole, 1, fd), 0);
    for (unsigned i = 0; i < 250; i++) {
        ck_assert_uint_eq(in[i], i < 100 ? 'a' : i < 150 ? 'b' : 'c');
    }
    ck_assert_int_eq(pread(fd, in, 300, 0), 300);
    ck_assert_uint_eq(in[0], 0);
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), 1250);
    ck_assert_int_eq(run_one(IOREQD_FILE_READ, 0, &whole, 0, fd), 0); /* of nothing */
    close_ring();
}
END_TEST

/* More in one turn than the ring has entries: each is done once, with its own bytes. */
START_TEST(many_in_one_turn)
{
    struct ioreqd_file_request *request = calloc(MANY, sizeof(*request));
    struct iovec *iov = calloc(MANY, sizeof(*iov));
    uint32_t *word = calloc(MANY, sizeof(*word));

    open_ring(_i != 0);
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < MANY; i++) {
            word[i] = pass == 0 ? i * 3 + 1 : 0;
            iov[i] = (struct iovec){&word[i], sizeof(word[i])};
            request[i] = (struct ioreqd_file_request){.operation = pass == 0 ? IOREQD_FILE_WRITE : IOREQD_FILE_READ,
                                                      .offset = (MANY - i) * UINT64_C(8),
                                                      .iov = &iov[i],
                                                      .iov_count = 1,
                                                      .result = 1,
                                                      .done = on_done};
            submit(ring, fd, &request[i]);
        }
        run_until((pass + 1) * MANY);
    }
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_int_eq(request[i].result, 0);
        ck_assert_uint_eq(word[i], i * 3 + 1);
    }
    close_ring();
    free(request);
    free(iov);
    free(word);
}
END_TEST

/* A file that has become shorter: an error, not silence. */
START_TEST(reads_beyond_the_end)
{
    uint8_t bytes[PIECE];
    struct iovec two[2] = {{bytes, 100}, {bytes + 100, PIECE - 100}};

    open_ring(_i != 0);
    ck_assert_int_eq(ftruncate(fd, PIECE), 0);
    ck_assert_int_eq(run_one(IOREQD_FILE_READ, 0, two, 2, fd), 0);
    ck_assert_int_eq(run_one(IOREQD_FILE_READ, PIECE - 150, two, 2, fd), -EIO);
    ck_assert_int_eq(run_one(IOREQD_FILE_READ, PIECE - 50, two, 2, fd), -EIO);
    ck_assert_int_eq(run_one(IOREQD_FILE_READ, PIECE, two, 2, fd), -EIO);
    close_ring();
}
END_TEST

/* A transfer that the kernel cuts short is carried on, until there is an error. */
START_TEST(short_writes_are_carried_on)
{
    const struct rlimit limit = {PIECE + 100, PIECE + 100};
    uint8_t bytes[2 * PIECE];
    struct iovec two[2] = {{bytes, PIECE + 50}, {bytes + PIECE + 50, PIECE - 50}};
    char path[] = "/tmp/test-device-XXXXXX";
    int file;

    open_ring(_i != 0);
    file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    unlink(path);
    memset(bytes, 0x5a, sizeof(bytes));
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(run_one(IOREQD_FILE_WRITE, 0, two, 2, file), -EFBIG);
    memset(bytes, 0, sizeof(bytes));
    ck_assert_int_eq(pread(file, bytes, sizeof(bytes), 0), PIECE + 100);
    ck_assert_uint_eq(bytes[PIECE + 99], 0x5a);
    close(file);
    close_ring();
}
END_TEST

/* Linux transfers 2 GiB less a page at a time: what is left is read into the right pieces from the right place. */
START_TEST(large_reads_are_carried_on)
{
    const size_t large = (size_t)4 << 20;
    uint8_t *bytes = malloc(large);
    uint8_t tail[3][16];
    struct iovec iov[515];

    open_ring(_i != 0);
    for (unsigned i = 0; i < 512; i++) { /* 2 GiB, all into one place */
        iov[i] = (struct iovec){bytes, large};
    }
    for (unsigned i = 0; i < 3; i++) {
        iov[512 + i] = (struct iovec){tail[i], 16};
    }
    ck_assert_int_eq(pwrite(fd, "sixteen bytes.. and sixteen more and the end...", 48, (off_t)512 * (off_t)large), 48);
    ck_assert_int_eq(run_one(IOREQD_FILE_READ, 0, iov, 515, fd), 0);
    ck_assert_mem_eq(tail, "sixteen bytes.. and sixteen more and the end...", 48);
    close_ring();
    free(bytes);
}
END_TEST

START_TEST(errors_of_the_kernel)
{
    uint8_t bytes[64];
    struct iovec one = {bytes, sizeof(bytes)};
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);
    int reader = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int writer = open("/dev/null", O_WRONLY | O_CLOEXEC);

    open_ring(_i != 0);
    ck_assert(full >= 0 && reader >= 0 && writer >= 0);
    ck_assert_int_eq(run_one(IOREQD_FILE_WRITE, 0, &one, 1, full), -ENOSPC);
    ck_assert_int_eq(run_one(IOREQD_FILE_WRITE, 0, &one, 1, reader), -EBADF);
    ck_assert_int_eq(run_one(IOREQD_FILE_READ, 0, &one, 1, writer), -EBADF);
    ck_assert_int_eq(run_one(IOREQD_FILE_FLUSH, 0, NULL, 0, -1), -EBADF);
    ck_assert_int_eq(run_one(IOREQD_FILE_FLUSH, 0, NULL, 0, full), -EINVAL);
    ck_assert_int_eq(run_one(IOREQD_FILE_WRITE, (uint64_t)INT64_MAX + 1, &one, 1, fd), -EINVAL);
    one.iov_base = (void *)(uintptr_t)8; /* memory that went away */
    ck_assert_int_eq(ftruncate(fd, 64), 0);
    ck_assert_int_eq(run_one(IOREQD_FILE_READ, 0, &one, 1, fd), -EFAULT);
    close(full);
    close(reader);
    close(writer);
    close_ring();
}
END_TEST

static int32_t clear_on(int on, uint8_t operation, uint8_t flags, uint64_t offset, uint64_t length)
{
    struct ioreqd_file_request request = {.operation = operation,
                                          .flags = flags,
                                          .offset = offset,
                                          .length = length,
                                          .iov_count = 7, /* not looked at */
                                          .result = 1,
                                          .done = on_done};
    unsigned before = done_count;

    submit(ring, on, &request);
    ck_assert_uint_eq(done_count, before);
    run_until(before + 1);
    return request.result;
}

/* Where the file's bytes are not `salt` from 0 to size, as one number: first << 32 | end. */
static uint64_t changed(int on, size_t size, uint8_t salt)
{
    uint8_t *bytes = malloc(size);
    size_t first = 0, end = size;

    ck_assert_int_eq(pread(on, bytes, size, 0), (ssize_t)size);
    while (first < size && bytes[first] == salt) {
        first++;
    }
    while (end > first && bytes[end - 1] == salt) {
        end--;
    }
    for (size_t i = first; i < end; i++) {
        if (bytes[i] != 0) {
            ck_abort_msg("byte %zu is neither kept nor cleared", i);
        }
    }
    free(bytes);
    return (uint64_t)first << 32 | end;
}

static void fill(int on, size_t size, uint8_t salt)
{
    uint8_t *bytes = malloc(size);

    memset(bytes, salt, size);
    ck_assert_int_eq(pwrite(on, bytes, size, 0), (ssize_t)size);
    free(bytes);
}

#define CLEAR_BYTES ((size_t)3 << 20)

static void check_clearing(int on)
{
    static const struct {
        uint8_t operation;
        uint8_t flags;
    } how[] = {
        {IOREQD_FILE_DISCARD, 0}, {IOREQD_FILE_WRITE_ZEROES, 0}, {IOREQD_FILE_WRITE_ZEROES, IOREQD_FILE_MAY_UNMAP}};

    for (unsigned i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
        fill(on, CLEAR_BYTES, 0x5a);
        ck_assert_int_eq(clear_on(on, how[i].operation, how[i].flags, 512, 2 << 20), 0);
        ck_assert_uint_eq(changed(on, CLEAR_BYTES, 0x5a), (UINT64_C(512) << 32) + (2 << 20) + 512);
        ck_assert_int_eq(clear_on(on, how[i].operation, how[i].flags, 0, 0), 0);
        ck_assert_int_eq(clear_on(on, how[i].operation, how[i].flags, CLEAR_BYTES - 100, 100), 0);
        ck_assert_int_eq(lseek(on, 0, SEEK_END), CLEAR_BYTES);
    }
    ck_assert_int_eq(clear_on(on, IOREQD_FILE_ERASE, 0, 0, 4096), -EOPNOTSUPP);
}

/* tmpfs can make holes but not zero a range; other file systems can do both. */
START_TEST(parts_are_cleared)
{
    char path[] = "/tmp/test-device-XXXXXX";
    int file = mkstemp(path);

    ck_assert_int_ge(file, 0);
    unlink(path);
    open_ring(_i != 0);
    check_clearing(fd);
    check_clearing(file);
    close(file);
    close_ring();
}
END_TEST

/* Where nothing can be cleared, discarding has no effect, and zeroes are written. */
START_TEST(clearing_without_help)
{
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);
    int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);

    open_ring(_i != 0);
    ck_assert_int_eq(clear_on(full, IOREQD_FILE_DISCARD, 0, 0, 4096), 0);
    ck_assert_int_eq(clear_on(full, IOREQD_FILE_WRITE_ZEROES, 0, 0, 4096), -ENOSPC);
    ck_assert_int_eq(clear_on(full, IOREQD_FILE_WRITE_ZEROES, IOREQD_FILE_MAY_UNMAP, 0, 4096), -ENOSPC);
    ck_assert_int_eq(clear_on(zero, IOREQD_FILE_WRITE_ZEROES, 0, 0, 5 << 20), 0);
    ck_assert_int_eq(clear_on(-1, IOREQD_FILE_WRITE_ZEROES, 0, 0, 4096), -EBADF);
    close(full);
    close(zero);
    close_ring();
}
END_TEST

/* Clearing goes on beside transfers, and each is answered once. */
START_TEST(clearing_beside_transfers)
{
    struct ioreqd_file_request request[200];
    uint32_t word[200];
    struct iovec iov[200];

    open_ring(_i != 0);
    ck_assert_int_eq(ftruncate(fd, 1 << 20), 0);
    for (unsigned i = 0; i < 200; i++) {
        word[i] = i;
        iov[i] = (struct iovec){&word[i], sizeof(word[i])};
        request[i] =
            (struct ioreqd_file_request){.operation = i % 2 == 0 ? IOREQD_FILE_WRITE : IOREQD_FILE_WRITE_ZEROES,
                                         .offset = i * UINT64_C(4096),
                                         .iov = &iov[i],
                                         .iov_count = 1,
                                         .length = 4096,
                                         .result = 1,
                                         .done = on_done};
        submit(ring, fd, &request[i]);
    }
    run_until(200);
    for (unsigned i = 0; i < 200; i++) {
        ck_assert_int_eq(request[i].result, 0);
    }
    close_ring();
}
END_TEST

/* The descriptor of the ring's io_uring; -1: it has none. */
static int find_uring(void)
{
    char name[32], target[64];

    for (int i = 0; i < 64; i++) {
        ssize_t length;

        snprintf(name, sizeof(name), "/proc/self/fd/%d", i);
        length = readlink(name, target, sizeof(target) - 1);
        if (length > 0 && memmem(target, (size_t)length, "[io_uring]", 10) != NULL) {
            return i;
        }
    }
    return -1;
}

/* io_uring that refuses for good: each request is done by plain calls, once, and so are those that come later. */
START_TEST(uring_refuses_for_good)
{
    struct ioreqd_file_request request[MANY];
    uint32_t word[MANY];
    struct iovec iov[MANY];
    int uring, null;

    open_ring(true);
    uring = find_uring();
    if (uring < 0) {
        close_ring();
        return;
    }
    ck_assert_int_eq(clear_on(fd, IOREQD_FILE_WRITE_ZEROES, 0, 0, 4096), 0);
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(dup2(null, uring), uring);
    close(null);
    done_count = 0;
    for (unsigned i = 0; i < MANY; i++) {
        word[i] = i + 1;
        iov[i] = (struct iovec){&word[i], sizeof(word[i])};
        request[i] = (struct ioreqd_file_request){.operation = IOREQD_FILE_WRITE,
                                                  .offset = i * UINT64_C(8),
                                                  .iov = &iov[i],
                                                  .iov_count = 1,
                                                  .result = 1,
                                                  .done = on_done};
        submit(ring, fd, &request[i]);
    }
    run_until(MANY);
    ck_assert(!file_ring_uses_uring(ring));
    for (unsigned i = 0; i < MANY; i++) {
        uint32_t found = 0;

        if (request[i].result != 0 || pread(fd, &found, sizeof(found), i * 8) != sizeof(found) || found != i + 1) {
            ck_abort_msg("request %u was not done", i);
        }
    }
    ck_assert_int_eq(run_one(IOREQD_FILE_FLUSH, 0, NULL, 0, fd), 0);
    ck_assert_int_eq(clear_on(fd, IOREQD_FILE_DISCARD, 0, 0, 4096), 0);
    close_ring();
}
END_TEST

/* A completion starts the next request, as a write-through disk does. */
static unsigned chain_left;

static void on_chain(struct ioreqd_file_request *request)
{
    done_count++;
    if (request->result == 0 && chain_left-- > 0) {
        request->operation = request->operation == IOREQD_FILE_WRITE ? IOREQD_FILE_FLUSH : IOREQD_FILE_WRITE;
        request->offset++;
        submit(ring, fd, request);
    }
}

START_TEST(completions_submit)
{
    struct iovec one = {(void *)(uintptr_t) "x", 1};
    struct ioreqd_file_request request = {
        .operation = IOREQD_FILE_WRITE, .iov = &one, .iov_count = 1, .done = on_chain};

    open_ring(_i != 0);
    chain_left = 99;
    submit(ring, fd, &request);
    run_until(100);
    ck_assert_int_eq(request.result, 0);
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), 99);
    close_ring();
}
END_TEST

/* On a loop: work submits, the loop sleeps, the completion wakes it. */
static struct ioreqd_loop *loop;
static atomic_uint rounds;
static struct ioreqd_file_request looped;
static struct iovec looped_iov;
static uint8_t looped_byte;

static void on_looped(struct ioreqd_file_request *request)
{
    if (request->result == 0 && atomic_fetch_add(&rounds, 1) + 1 < 2000) {
        submit(loop_file_ring(loop), fd, request);
    }
}

static void submit_looped(void *argument)
{
    (void)argument;
    submit(loop_file_ring(loop), fd, &looped);
}

static bool is_round(void *argument)
{
    (void)argument;
    return atomic_load(&rounds) == 2000;
}

START_TEST(completions_wake_the_loop)
{
    struct ioreqd_work work = {.run = submit_looped};

    fd = memfd_create("file", MFD_CLOEXEC);
    ck_assert_int_eq(ftruncate(fd, 16), 0);
    looped_iov = (struct iovec){&looped_byte, 1};
    looped = (struct ioreqd_file_request){
        .operation = IOREQD_FILE_READ, .iov = &looped_iov, .iov_count = 1, .done = on_looped};
    loop = loop_create();
    ck_assert_int_eq(loop_start(loop, "files"), 0);
    loop_post(loop, &work);
    ck_assert(bench_wait(is_round, NULL));
    loop_destroy(loop);
    close(fd);
}
END_TEST

/* Asked for io_uring, the tests run the plain way where there is none: scripts/test shows this line. */
START_TEST(the_log_tells_the_way)
{
    open_ring(true);
    printf("file requests: %s\n",
           file_ring_uses_uring(ring) ? "tested" : "not there, so plain calls were tested twice");
    fflush(stdout);
    close_ring();
}
END_TEST

TCase *file_ring_tests(void)
{
    TCase *group = tcase_create("file requests");

    tcase_set_timeout(group, 60);
    tcase_add_test(group, the_log_tells_the_way);
    tcase_add_loop_test(group, pieces_are_written_and_read, 0, 2);
    tcase_add_loop_test(group, many_in_one_turn, 0, 2);
    tcase_add_loop_test(group, reads_beyond_the_end, 0, 2);
    tcase_add_loop_test(group, short_writes_are_carried_on, 0, 2);
    tcase_add_loop_test(group, large_reads_are_carried_on, 0, 2);
    tcase_add_loop_test(group, errors_of_the_kernel, 0, 2);
    tcase_add_loop_test(group, completions_submit, 0, 2);
    tcase_add_loop_test(group, parts_are_cleared, 0, 2);
    tcase_add_loop_test(group, clearing_without_help, 0, 2);
    tcase_add_loop_test(group, clearing_beside_transfers, 0, 2);
    tcase_add_test(group, uring_refuses_for_good);
    tcase_add_test(group, completions_wake_the_loop);
    return group;
}
