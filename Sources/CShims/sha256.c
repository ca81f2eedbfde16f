#include "CShims.h"

#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))

int assay_sha_ni(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & (1u << 29))) return 0;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    return (c & (1u << 19)) && (c & (1u << 9));
}

static const uint32_t K[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* The state in the order of SHA256RNDS2: ABEF and CDGH. */
typedef struct {
    __m128i abef, cdgh;
} lane;

SHA_TARGET static inline lane lane_start(void) {
    lane s;
    s.abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
    s.cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
    return s;
}

/* Four rounds, and for rounds 0..47 the message words that follow sixteen rounds later. */
#define ROUNDS(s, w, i)                                                                          \
    do {                                                                                         \
        __m128i k = _mm_add_epi32((w)[(i) & 3], _mm_load_si128((const __m128i *)(K + 4 * (i)))); \
        (s).cdgh = _mm_sha256rnds2_epu32((s).cdgh, (s).abef, k);                                 \
        (s).abef = _mm_sha256rnds2_epu32((s).abef, (s).cdgh, _mm_shuffle_epi32(k, 0x0e));        \
    } while (0)

#define SCHEDULE(w, i)                                                                           \
    do {                                                                                         \
        __m128i next = _mm_sha256msg1_epu32((w)[(i) & 3], (w)[((i) + 1) & 3]);                   \
        next = _mm_add_epi32(next, _mm_alignr_epi8((w)[((i) + 3) & 3], (w)[((i) + 2) & 3], 4));  \
        (w)[(i) & 3] = _mm_sha256msg2_epu32(next, (w)[((i) + 3) & 3]);                           \
    } while (0)

SHA_TARGET static inline void load(__m128i w[4], const uint8_t *p) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bULL, 0x0405060700010203ULL);
    for (int i = 0; i < 4; i++) w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)p + i), swap);
}

SHA_TARGET static inline __attribute__((always_inline)) void compress2(lane *a, lane *b, const uint8_t *p,
                                                                       const uint8_t *q) {
    __m128i v[4], w[4];
    lane s = *a, t = *b;
    load(v, p);
    load(w, q);
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) {
        ROUNDS(s, v, i);
        ROUNDS(t, w, i);
        if (i < 12) {
            SCHEDULE(v, i);
            SCHEDULE(w, i);
        }
    }
    a->abef = _mm_add_epi32(a->abef, s.abef);
    a->cdgh = _mm_add_epi32(a->cdgh, s.cdgh);
    b->abef = _mm_add_epi32(b->abef, t.abef);
    b->cdgh = _mm_add_epi32(b->cdgh, t.cdgh);
}

SHA_TARGET static void store(const lane *s, uint8_t *out) {
    uint32_t x[8];
    x[0] = (uint32_t)_mm_extract_epi32(s->abef, 3);
    x[1] = (uint32_t)_mm_extract_epi32(s->abef, 2);
    x[4] = (uint32_t)_mm_extract_epi32(s->abef, 1);
    x[5] = (uint32_t)_mm_extract_epi32(s->abef, 0);
    x[2] = (uint32_t)_mm_extract_epi32(s->cdgh, 3);
    x[3] = (uint32_t)_mm_extract_epi32(s->cdgh, 2);
    x[6] = (uint32_t)_mm_extract_epi32(s->cdgh, 1);
    x[7] = (uint32_t)_mm_extract_epi32(s->cdgh, 0);
    for (int i = 0; i < 8; i++) {
        uint32_t be = __builtin_bswap32(x[i]);
        memcpy(out + 4 * i, &be, 4);
    }
}

/* A message is prefix || block || suffix || padding. Runs of whole 64-byte pieces inside the block are hashed where
   they lie; what straddles an edge is gathered into `edge`. */
typedef struct {
    const uint8_t *prefix, *block, *suffix;
    size_t prefix_size, block_size, suffix_size;
} message;

static void gather(const message *m, size_t offset, uint8_t out[64], size_t total) {
    for (size_t i = 0; i < 64; i++) {
        size_t at = offset + i;
        uint8_t value = 0;
        if (at < m->prefix_size) value = m->prefix[at];
        else if (at < m->prefix_size + m->block_size) value = m->block[at - m->prefix_size];
        else if (at < total) value = m->suffix[at - m->prefix_size - m->block_size];
        else if (at == total) value = 0x80;
        out[i] = value;
    }
}

SHA_TARGET static void hash2(const message *m, const message *n, uint8_t *out_m, uint8_t *out_n) {
    size_t total = m->prefix_size + m->block_size + m->suffix_size;
    size_t pieces = (total + 9 + 63) / 64;
    uint64_t bits = __builtin_bswap64((uint64_t)total * 8);
    lane a = lane_start(), b = lane_start();
    uint8_t edge_m[64], edge_n[64];
    for (size_t i = 0; i < pieces; i++) {
        size_t at = i * 64;
        if (at >= m->prefix_size && at + 64 <= m->prefix_size + m->block_size) {
            compress2(&a, &b, m->block + (at - m->prefix_size), n->block + (at - m->prefix_size));
        } else {
            gather(m, at, edge_m, total);
            gather(n, at, edge_n, total);
            if (i + 1 == pieces) {
                memcpy(edge_m + 56, &bits, 8);
                memcpy(edge_n + 56, &bits, 8);
            }
            compress2(&a, &b, edge_m, edge_n);
        }
    }
    store(&a, out_m);
    store(&b, out_n);
}

void assay_sha256_blocks(const uint8_t *data, size_t size, size_t count, const uint8_t *salt, size_t salt_size,
                         int salt_last, uint8_t *out) {
    message m = {salt, data, salt, salt_last ? 0 : salt_size, size, salt_last ? salt_size : 0};
    message n = m;
    uint8_t unused[32];
    for (size_t i = 0; i < count; i += 2) {
        m.block = data + i * size;
        n.block = i + 1 < count ? m.block + size : m.block;
        hash2(&m, &n, out + 32 * i, i + 1 < count ? out + 32 * (i + 1) : unused);
    }
}

#else

int assay_sha_ni(void) { return 0; }

void assay_sha256_blocks(const uint8_t *data, size_t size, size_t count, const uint8_t *salt, size_t salt_size,
                         int salt_last, uint8_t *out) {
    (void)data, (void)size, (void)count, (void)salt, (void)salt_size, (void)salt_last, (void)out;
}

#endif
