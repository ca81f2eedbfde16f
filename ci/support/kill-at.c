/* Preloaded into a process under test, to end it between two changes of a file system.
 *
 *   KILL_PROGRAM=NAME   the process to watch, by the name of its program
 *   KILL_AT=N           SIGKILL before its N-th call that changes a file system, counted from 1
 *   KILL_CALLS=FILE     append number, name and path of each of those calls
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int watched, calls_fd = -1;
static atomic_long calls;
static long kill_at;

__attribute__((constructor)) static void begin(void) {
    const char *program = getenv("KILL_PROGRAM"), *at = getenv("KILL_AT"), *path = getenv("KILL_CALLS");
    watched = program && strcmp(program_invocation_short_name, program) == 0;
    if (watched && at) kill_at = atol(at);
    if (watched && path) calls_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

static void change(const char *name, const char *path) {
    if (!watched) return;
    long number = ++calls;
    if (calls_fd >= 0) dprintf(calls_fd, "%ld %s %s\n", number, name, path ? path : "");
    if (kill_at && number == kill_at) syscall(SYS_kill, getpid(), SIGKILL);
}

#define WRAP(name, result, parameters, arguments, path)                       \
    result name parameters {                                                  \
        static result(*real) parameters;                                      \
        if (!real) real = (result(*) parameters)dlsym(RTLD_NEXT, #name);       \
        change(#name, path);                                                  \
        return real arguments;                                                \
    }

WRAP(rename, int, (const char *from, const char *to), (from, to), to)
WRAP(renameat, int, (int a, const char *from, int b, const char *to), (a, from, b, to), to)
WRAP(renameat2, int, (int a, const char *from, int b, const char *to, unsigned flags), (a, from, b, to, flags), to)
WRAP(link, int, (const char *from, const char *to), (from, to), to)
WRAP(linkat, int, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags), to)
WRAP(symlink, int, (const char *from, const char *to), (from, to), to)
WRAP(unlink, int, (const char *path), (path), path)
WRAP(unlinkat, int, (int at, const char *path, int flags), (at, path, flags), path)
WRAP(mkdir, int, (const char *path, mode_t mode), (path, mode), path)
WRAP(rmdir, int, (const char *path), (path), path)
WRAP(remove, int, (const char *path), (path), path)
WRAP(chmod, int, (const char *path, mode_t mode), (path, mode), path)
WRAP(fchmod, int, (int fd, mode_t mode), (fd, mode), NULL)
WRAP(ftruncate, int, (int fd, off_t size), (fd, size), NULL)
WRAP(ftruncate64, int, (int fd, off_t size), (fd, size), NULL)
WRAP(fsync, int, (int fd), (fd), NULL)
WRAP(fdatasync, int, (int fd), (fd), NULL)
WRAP(pwrite, ssize_t, (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at), NULL)
WRAP(pwrite64, ssize_t, (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at), NULL)
WRAP(writev, ssize_t, (int fd, const struct iovec *parts, int count), (fd, parts, count), NULL)
WRAP(copy_file_range, ssize_t, (int a, off64_t *from, int b, off64_t *to, size_t count, unsigned flags),
     (a, from, b, to, count, flags), NULL)

ssize_t write(int fd, const void *bytes, size_t count) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    if (fd > 2 && fd != calls_fd) change("write", NULL);
    return real(fd, bytes, count);
}

#define OPEN(name)                                                            \
    int name(const char *path, int flags, ...) {                              \
        static int (*real)(const char *, int, ...);                           \
        if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
        va_list rest;                                                         \
        va_start(rest, flags);                                                \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                         \
        if (flags & O_CREAT) change(#name, path);                             \
        return real(path, flags, mode);                                       \
    }
OPEN(open)
OPEN(open64)
#define OPENAT(name)                                                          \
    int name(int at, const char *path, int flags, ...) {                      \
        static int (*real)(int, const char *, int, ...);                      \
        if (!real) real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, #name); \
        va_list rest;                                                         \
        va_start(rest, flags);                                                \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                         \
        if (flags & O_CREAT) change(#name, path);                             \
        return real(at, path, flags, mode);                                   \
    }
OPENAT(openat)
OPENAT(openat64)
