/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pidfiles: whole when they appear, locked while their process lives, replaced when it is dead, and nobody else's taken.
 */
#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/process/process.h"

static const char *content(const char *path)
{
    static char text[64];
    int fd = open(path, O_RDONLY);
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

    ck_assert_int_ge(fd, 0);
    text[length] = 0;
    close(fd);
    return text;
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* Names that begin with the pidfile's and are not it. */
static bool left_over(const char *path)
{
    char unfinished[160];

    snprintf(unfinished, sizeof(unfinished), "%s.%d", path, getpid());
    return access(unfinished, F_OK) == 0;
}

START_TEST(made_and_removed)
{
    const char *path = folder_path("pid");
    struct pidfile *pidfile = pidfile_create(path);
    char own[16];

    ck_assert_ptr_nonnull(pidfile);
    snprintf(own, sizeof(own), "%d\n", getpid());
    ck_assert_str_eq(content(path), own);
    ck_assert(!left_over(path));
    pidfile_remove(pidfile);
    ck_assert_int_ne(access(path, F_OK), 0);
    pidfile_remove(NULL);
}
END_TEST

START_TEST(another_has_it)
{
    const char *path = folder_path("pid");
    struct pidfile *pidfile = pidfile_create(path);
    pid_t pid;
    int status;

    ck_assert_ptr_nonnull(pidfile);
    pid = fork();
    if (pid == 0) {
        pid_t owner = pidfile_owner(path);
        bool refused = pidfile_create(path) == NULL && errno == EBUSY;

        _exit(owner == getppid() && refused && !left_over(path) ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(access(path, F_OK), 0);
    pidfile_remove(pidfile);
}
END_TEST

START_TEST(a_dead_one_is_replaced)
{
    const char *path = folder_path("pid");
    struct pidfile *pidfile;

    ck_assert_int_eq(pidfile_owner(path), 0);
    put(path, "1\n"); /* init lives, but has not locked it */
    ck_assert_int_eq(pidfile_owner(path), 0);
    pidfile = pidfile_create(path);
    ck_assert_ptr_nonnull(pidfile);
    ck_assert_int_eq(atoi(content(path)), getpid());
    pidfile_remove(pidfile);
}
END_TEST

START_TEST(somebody_elses_is_left)
{
    const char *path = folder_path("pid");
    struct pidfile *pidfile = pidfile_create(path);

    ck_assert_ptr_nonnull(pidfile);
    ck_assert_int_eq(unlink(path), 0);
    put(path, "7\n");
    pidfile_remove(pidfile);
    ck_assert_str_eq(content(path), "7\n");
}
END_TEST

START_TEST(no_such_place)
{
    const char *path = folder_path("missing/pid"), *link = folder_path("link"), *folder = folder_path("folder");

    ck_assert_int_eq(pidfile_owner(path), 0);
    ck_assert_ptr_null(pidfile_create(path));
    ck_assert_int_eq(errno, ENOENT);
    /* Whoever may write to the folder is not led to write elsewhere. */
    ck_assert_int_eq(symlink("/nowhere", link), 0);
    ck_assert_ptr_null(pidfile_create(link));
    ck_assert_int_eq(errno, ELOOP);
    ck_assert(!left_over(link));
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    ck_assert_ptr_null(pidfile_create(folder));
    ck_assert(!left_over(folder));
}
END_TEST

/* Whoever waits for the lock learns of the end, and finds the file gone. */
START_TEST(the_lock_ends_with_the_process)
{
    const char *path = folder_path("pid");
    int ready[2], go[2], fd;
    char byte = 0;
    pid_t pid;

    ck_assert_int_eq(pipe(ready), 0);
    ck_assert_int_eq(pipe(go), 0);
    pid = fork();
    if (pid == 0) {
        struct pidfile *pidfile = pidfile_create(path);

        if (pidfile == NULL || write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 1) {
            _exit(1);
        }
        _exit(0); /* as a crash does: the file stays */
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_ne(flock(fd, LOCK_EX | LOCK_NB), 0);
    ck_assert_int_eq(write(go[1], "", 1), 1);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    ck_assert_int_eq(atoi(content(path)), pid);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    close(fd);
}
END_TEST

TCase *pidfile_tests(void)
{
    TCase *group = tcase_create("pidfile");

    tcase_add_test(group, made_and_removed);
    tcase_add_test(group, another_has_it);
    tcase_add_test(group, a_dead_one_is_replaced);
    tcase_add_test(group, somebody_elses_is_left);
    tcase_add_test(group, no_such_place);
    tcase_add_test(group, the_lock_ends_with_the_process);
    return group;
}
