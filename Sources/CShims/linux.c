#define _GNU_SOURCE
#include "CShims.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

int assay_rename_exchange(const char *a, const char *b) {
    return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

int assay_rename_noreplace(const char *from, const char *to) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

int assay_block_device_size(int fd, uint64_t *size) { return ioctl(fd, BLKGETSIZE64, size); }

int assay_anonymous_file(void) { return memfd_create("assay", MFD_CLOEXEC); }

int assay_spawn_in(posix_spawn_file_actions_t *actions, const char *directory) {
    return posix_spawn_file_actions_addchdir_np(actions, directory);
}

int assay_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

/* glibc calls every initialiser with main's arguments, before any thread is there. */
static int argument_count;
static char **argument_words;

__attribute__((constructor)) static void keep_arguments(int count, char **words) {
    argument_count = count;
    argument_words = words;
}

int assay_argument_count(void) { return argument_count; }

const char *assay_argument(int index) {
    return index >= 0 && index < argument_count ? argument_words[index] : NULL;
}
