/*
 * Runs floating-point instructions over tables of operands in RAM, each record in the five rounding
 * modes, and leaves results and flags in RAM: the reference side of scripts/float-against-qemu.ts.
 *
 * At JOBS_ADDRESS stand jobs, one after another, up to one with an empty mnemonic. A record is
 * three 64-bit operands: rs1, rs2, rs3, raw register contents. For each record 5 x 64 bits of
 * results and 5 bytes of fflags are written, by rounding mode in order.
 */
#include <stdint.h>

#define JOBS_ADDRESS 0x80100000UL
#define ROUNDING_MODES 5

struct record {
    uint64_t operands[3];
};

struct job {
    char mnemonic[16];
    uint64_t count;
    const struct record *records;
    uint64_t *results;
    uint8_t *flags;
};

typedef void table_loop(const struct job *job);

/*
 * A loop over the table of one instruction. `load` fetches the operands from record %[r],
 * `instruction` works on them with the dynamic rounding mode, `store` writes the result to %[out].
 * Writing fcsr sets the mode and clears the flags.
 */
#define TABLE_LOOP(function, load, instruction, store) \
    static void function(const struct job *job) \
    { \
        uint64_t *out = job->results; \
        uint8_t *flags = job->flags; \
        for (uint64_t i = 0; i < job->count; i++) { \
            for (uint64_t rm = 0; rm < ROUNDING_MODES; rm++) { \
                uint64_t raised; \
                __asm__ volatile("csrw fcsr, %[fcsr]\n" load instruction "\n" store \
                                 "frflags %[raised]" \
                                 : [raised] "=r"(raised) \
                                 : [fcsr] "r"(rm << 5), [r] "r"(&job->records[i]), [out] "r"(out) \
                                 : "t0", "t1", "fa0", "fa1", "fa2", "fa3", "memory"); \
                out++; \
                *flags++ = (uint8_t)raised; \
            } \
        } \
    }

#define LOAD_FLOATS "fld fa0, 0(%[r])\nfld fa1, 8(%[r])\nfld fa2, 16(%[r])\n"
#define LOAD_INTEGER "ld t0, 0(%[r])\n"
#define STORE_FLOAT "fsd fa3, 0(%[out])\n"
#define STORE_INTEGER "sd t1, 0(%[out])\n"

#define FLOAT_1(f, m) TABLE_LOOP(f, LOAD_FLOATS, m " fa3, fa0", STORE_FLOAT)
#define FLOAT_2(f, m) TABLE_LOOP(f, LOAD_FLOATS, m " fa3, fa0, fa1", STORE_FLOAT)
#define FLOAT_3(f, m) TABLE_LOOP(f, LOAD_FLOATS, m " fa3, fa0, fa1, fa2", STORE_FLOAT)
#define COMPARE(f, m) TABLE_LOOP(f, LOAD_FLOATS, m " t1, fa0, fa1", STORE_INTEGER)
#define CLASSIFY(f, m) TABLE_LOOP(f, LOAD_FLOATS, m " t1, fa0", STORE_INTEGER)
#define TO_INTEGER(f, m) TABLE_LOOP(f, LOAD_FLOATS, m " t1, fa0, dyn", STORE_INTEGER)
#define FROM_INTEGER(f, m) TABLE_LOOP(f, LOAD_INTEGER, m " fa3, t0", STORE_FLOAT)

/* Every instruction once: kind, name of its loop, mnemonic. */
#define FORMAT_INSTRUCTIONS(X, s) \
    X(FLOAT_2, fadd_##s, "fadd." #s) \
    X(FLOAT_2, fsub_##s, "fsub." #s) \
    X(FLOAT_2, fmul_##s, "fmul." #s) \
    X(FLOAT_2, fdiv_##s, "fdiv." #s) \
    X(FLOAT_1, fsqrt_##s, "fsqrt." #s) \
    X(FLOAT_3, fmadd_##s, "fmadd." #s) \
    X(FLOAT_3, fmsub_##s, "fmsub." #s) \
    X(FLOAT_3, fnmsub_##s, "fnmsub." #s) \
    X(FLOAT_3, fnmadd_##s, "fnmadd." #s) \
    X(FLOAT_2, fmin_##s, "fmin." #s) \
    X(FLOAT_2, fmax_##s, "fmax." #s) \
    X(COMPARE, feq_##s, "feq." #s) \
    X(COMPARE, flt_##s, "flt." #s) \
    X(COMPARE, fle_##s, "fle." #s) \
    X(CLASSIFY, fclass_##s, "fclass." #s) \
    X(TO_INTEGER, fcvt_w_##s, "fcvt.w." #s) \
    X(TO_INTEGER, fcvt_wu_##s, "fcvt.wu." #s) \
    X(TO_INTEGER, fcvt_l_##s, "fcvt.l." #s) \
    X(TO_INTEGER, fcvt_lu_##s, "fcvt.lu." #s) \
    X(FROM_INTEGER, fcvt_##s##_w, "fcvt." #s ".w") \
    X(FROM_INTEGER, fcvt_##s##_wu, "fcvt." #s ".wu") \
    X(FROM_INTEGER, fcvt_##s##_l, "fcvt." #s ".l") \
    X(FROM_INTEGER, fcvt_##s##_lu, "fcvt." #s ".lu")

#define INSTRUCTIONS(X) \
    FORMAT_INSTRUCTIONS(X, s) \
    FORMAT_INSTRUCTIONS(X, d) \
    X(FLOAT_1, fcvt_s_d, "fcvt.s.d") \
    X(FLOAT_1, fcvt_d_s, "fcvt.d.s")

#define DEFINE(kind, function, mnemonic) kind(function, mnemonic)
INSTRUCTIONS(DEFINE)

#define ENTRY(kind, function, mnemonic) {mnemonic, function},
static const struct {
    char mnemonic[16];
    table_loop *loop;
} instructions[] = {INSTRUCTIONS(ENTRY)};

static int is_same(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* 0, or the number from 1 of the job whose mnemonic is unknown. */
int main(void)
{
    const struct job *jobs = (const struct job *)JOBS_ADDRESS;
    const int known = (int)(sizeof instructions / sizeof instructions[0]);
    for (int i = 0; jobs[i].mnemonic[0] != 0; i++) {
        int k = 0;
        while (k < known && !is_same(instructions[k].mnemonic, jobs[i].mnemonic))
            k++;
        if (k == known)
            return i + 1;
        instructions[k].loop(&jobs[i]);
    }
    return 0;
}
