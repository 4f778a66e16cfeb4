// Decompresses a gzip file of one or more members with libdeflate or ISA-L, CRC-32
// included, and prints how many nanoseconds of processor time the fastest of some tries took.
//
//   inflate libdeflate|isal TRIES FILE SIZE    SIZE: decompressed, in bytes
#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint8_t *in, *out;
static size_t in_size, out_size;

static int64_t cpu_time(void) {
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static size_t with_libdeflate(void) {
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	size_t done = 0, used, made;
	for (size_t at = 0; at < in_size; at += used, done += made)
		if (libdeflate_gzip_decompress_ex(d, in + at, in_size - at, out + done, out_size - done, &used, &made))
			exit(1);
	libdeflate_free_decompressor(d);
	return done;
}

static size_t with_isal(void) {
	static struct inflate_state s;
	size_t done = 0;
	for (size_t at = 0; at < in_size; at = in_size - s.avail_in, done += s.total_out) {
		isal_inflate_init(&s);
		s.crc_flag = ISAL_GZIP;
		s.next_in = in + at, s.avail_in = in_size - at;
		s.next_out = out + done, s.avail_out = out_size - done;
		if (isal_inflate(&s) != ISAL_DECOMP_OK || s.block_state != ISAL_BLOCK_FINISH)
			exit(1);
	}
	return done;
}

int main(int argc, char **argv) {
	if (argc != 5)
		return 2;
	size_t (*decode)(void) = strcmp(argv[1], "isal") ? with_libdeflate : with_isal;
	out_size = strtoull(argv[4], NULL, 10);
	FILE *f = fopen(argv[3], "rb");
	if (!f || fseek(f, 0, SEEK_END))
		return 1;
	in_size = ftell(f);
	rewind(f);
	in = malloc(in_size), out = malloc(out_size);
	if (!in || !out || fread(in, 1, in_size, f) != in_size)
		return 1;
	memset(out, 1, out_size); // so that no try waits for memory
	int64_t best = INT64_MAX;
	for (int tries = atoi(argv[2]); tries > 0; tries--) {
		int64_t start = cpu_time();
		if (decode() != out_size)
			return 1;
		int64_t took = cpu_time() - start;
		best = took < best ? took : best;
	}
	printf("%lld\n", (long long)best);
	return 0;
}
