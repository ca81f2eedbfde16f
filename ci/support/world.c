/* Preloaded into a process under test, to change what it sees and to write down what it saw.
 *
 *   WORLD_LOG=FILE      append, when a process of the name in WORLD_PROGRAM ends, one line a fact: what it saw
 *   WORLD_REVERSE=1     directories are listed in falling order of names; otherwise in rising order
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

static int watched, reverse;
static long directories;

static const char *or_none(const char *name) {
    const char *value = getenv(name);
    return value ? value : "(unset)";
}

__attribute__((constructor)) static void begin(void) {
    const char *program = getenv("WORLD_PROGRAM");
    watched = program && strcmp(program_invocation_short_name, program) == 0;
    reverse = getenv("WORLD_REVERSE") != NULL;
}

/* Facts by the names that the test of equal bits uses for its variations. */
__attribute__((destructor)) static void end(void) {
    const char *path = getenv("WORLD_LOG");
    if (!watched || !path) return;
    FILE *log = fopen(path, "a");
    if (!log) return;
    mode_t mask = umask(0);
    umask(mask);
    char directory[4096] = "?";
    if (!getcwd(directory, sizeof directory)) strcpy(directory, "?");
    struct statfs fs = {0};
    statfs(".", &fs);
    cpu_set_t cores;
    CPU_ZERO(&cores);
    sched_getaffinity(0, sizeof cores, &cores);
    fprintf(log, "directory %s\nuser %d\numask %03o\nhome %s\ncache %s\ntimezone %s\nlocale %s\n", directory, (int)getuid(),
            mask, or_none("HOME"), or_none("XDG_CACHE_HOME"), or_none("TZ"), or_none("LC_ALL"));
    fprintf(log, "year %ld\norder %s\ncores %d\nfilesystem %lx\nlisted %ld\n", 1970 + (long)(time(NULL) / 31556952),
            reverse ? "falling" : "rising", CPU_COUNT(&cores), (long)fs.f_type, directories);
    fclose(log);
}

/* Directory order. */

struct listing {
    DIR *stream;
    struct dirent **entries;
    size_t count, next;
    struct listing *link;
};
static struct listing *listings;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int by_name(const void *a, const void *b) {
    int order = strcmp((*(struct dirent *const *)a)->d_name, (*(struct dirent *const *)b)->d_name);
    return reverse ? -order : order;
}

static struct listing *load(DIR *stream) {
    struct dirent *(*real)(DIR *) = dlsym(RTLD_NEXT, "readdir");
    struct listing *list = calloc(1, sizeof *list);
    struct dirent *entry;
    if (!list) abort();
    list->stream = stream;
    while ((entry = real(stream)) != NULL) {
        list->entries = realloc(list->entries, (list->count + 1) * sizeof *list->entries);
        struct dirent *copy = malloc(sizeof *copy);
        if (!list->entries || !copy) abort();
        memset(copy, 0, sizeof *copy);
        memcpy(copy, entry, entry->d_reclen < sizeof *copy ? entry->d_reclen : sizeof *copy);
        list->entries[list->count++] = copy;
    }
    qsort(list->entries, list->count, sizeof *list->entries, by_name);
    list->link = listings;
    listings = list;
    directories++;
    return list;
}

static void forget(DIR *stream) {
    for (struct listing **at = &listings; *at; at = &(*at)->link)
        if ((*at)->stream == stream) {
            struct listing *gone = *at;
            *at = gone->link;
            for (size_t i = 0; i < gone->count; i++) free(gone->entries[i]);
            free(gone->entries);
            free(gone);
            return;
        }
}

struct dirent *readdir(DIR *stream) {
    pthread_mutex_lock(&lock);
    struct listing *list = listings;
    while (list && list->stream != stream) list = list->link;
    if (!list) list = load(stream);
    struct dirent *entry = list->next < list->count ? list->entries[list->next++] : NULL;
    pthread_mutex_unlock(&lock);
    return entry;
}
struct dirent64 *readdir64(DIR *stream) { return (struct dirent64 *)readdir(stream); }

int closedir(DIR *stream) {
    int (*real)(DIR *) = dlsym(RTLD_NEXT, "closedir");
    pthread_mutex_lock(&lock);
    forget(stream);
    pthread_mutex_unlock(&lock);
    return real(stream);
}
void rewinddir(DIR *stream) {
    void (*real)(DIR *) = dlsym(RTLD_NEXT, "rewinddir");
    pthread_mutex_lock(&lock);
    forget(stream);
    pthread_mutex_unlock(&lock);
    real(stream);
}
