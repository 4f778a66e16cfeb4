#include "go_asm.h"
#include "textflag.h"

// decode is Decoder.fast. It has two loops, for packs and for single codes, which share what
// follows a length: the distance and the copying. If the Decoder is a Scout's, decode is
// Scout.fast, and makes a step instead of copying.
//
// Nothing outside of the Decoder's buffers is read or written, whatever the input:
//
//   - An iteration begins with SI at least inMargin = 16 bytes before the end of the input.
//     A REFILL reads 8 bytes, and moves SI by 7 at most. An iteration has three at most, one
//     of which comes right after another, and does not move SI.
//   - It begins with DI at least outMargin = 7 + 258 bytes before the end of the output: a
//     literal and a match come after two packs of three literals, at most. Up to 4 bytes are
//     written beyond literals, where there is space for the match, and up to 29 beyond the
//     match, which are fewer than the slack has.
//   - A match's source is before DI, and not before the beginning of the output.
//   - A step is written only if there is room for one more, which is that of the block's end.
//   - Indices of the tables are masked. What lengths and distances the entries have is not
//     up to the input: 3 to 258, and 1 or more.
//
// It reads 64 KiB at most, and writes 256 KiB of output and 1.5 MiB of steps at most. The
// scheduler cannot interrupt it.
//
// Registers:
//
//	AX	bits not consumed yet, the next one lowest
//	CX	how many of AX count, in its low 6 bits
//	DX	the entry of the code that AX begins with
//	SI, R8	where input is read, and from where on too little is left
//	DI, R9	where output is written, and from where on too little space is left
//	R10	the Decoder
//	R11	the beginning of the output; for a Scout the highest address, so that every source is before it
//	BP	where the next step goes, or 0 if there is no Scout
//	BX, R14	the table that DX comes from, and the mask of its indices
//	R12, R13, R15	of use for a moment; the length, the distance, and the match's source

// REFILL adds whole bytes to AX, as input.refill does.
#define REFILL(tmp) \
	MOVQ  (SI), tmp    \
	SHLXQ CX, tmp, tmp \
	ORQ   tmp, AX      \
	MOVL  CX, tmp      \
	SHRL  $3, tmp      \
	ANDL  $7, tmp      \
	ADDQ  $7, SI       \
	SUBQ  tmp, SI      \
	ORL   $56, CX

// LOOKUP looks up the code that AX begins with.
#define LOOKUP(tmp) \
	MOVL AX, tmp        \
	ANDL R14, tmp       \
	MOVL (BX)(tmp*4), DX

// CONSUME drops as many bits as the low 6 bits of an entry say.
#define CONSUME(entry) \
	SHRXQ entry, AX, AX \
	SUBL  entry, CX

// LITERALS writes the literals of a pack, and adds their number. It sets the zero flag if
// the pack does not consist of literals only.
#define LITERALS(tmp, number) \
	MOVL    DX, tmp    \
	SHRL    $8, tmp    \
	MOVL    tmp, (DI)  \
	CONSUME(DX)        \
	MOVBLZX DX, number \
	SHRL    $6, number

// LITERAL writes a literal.
#define LITERAL(tmp) \
	MOVL DX, tmp   \
	SHRL $16, tmp  \
	MOVB tmp, (DI) \
	INCQ DI        \
	CONSUME(DX)

// VALUE consumes a code with its extra bits, and turns its entry into the base plus these.
#define VALUE(entry, extra, tmp) \
	BZHIQ entry, AX, extra   \
	CONSUME(entry)           \
	MOVL  entry, tmp         \
	SHRL  $8, tmp            \
	SHRXQ tmp, extra, extra  \
	SHRL  $16, entry         \
	ADDL  extra, entry

// SUBTABLE consumes the code's first bits, and looks up the others.
#define SUBTABLE(bits, table, size, entry, tmp, index) \
	SHRQ  $bits, AX          \
	SUBL  $bits, CX          \
	MOVL  entry, tmp         \
	SHRL  $8, tmp            \
	ANDL  $15, tmp           \
	BZHIQ tmp, AX, index     \
	SHRL  $16, entry         \
	ADDL  entry, index       \
	ANDL  $(size - 1), index \
	MOVL  table(R10)(index*4), entry

// COPY copies a match of R12 bytes from R15 to DI, which lie R13 bytes apart, and goes to next.
// R12 becomes the match's end if the match is longer than 32 bytes, or its distance below 16.
// What is written beyond the end is overwritten. by7 copies 8 bytes each time, of which the
// first are right: as many as the distance.
#define COPY \
	CMPQ   R13, $16                  \
	JLO    near                      \
	MOVUPS (R15), X0                 \
	MOVUPS X0, (DI)                  \
	MOVUPS 16(R15), X0               \
	MOVUPS X0, 16(DI)                \
	CMPL   R12, $32                  \
	JHI    far                       \
	ADDQ   R12, DI                   \
	JMP    next                      \
far:                                     \
	ADDQ DI, R12                     \
	ADDQ $32, DI                     \
	ADDQ $32, R15                    \
by16:                                    \
	MOVUPS (R15), X0                 \
	MOVUPS X0, (DI)                  \
	ADDQ   $16, R15                  \
	ADDQ   $16, DI                   \
	CMPQ   DI, R12                   \
	JLO    by16                      \
	MOVQ   R12, DI                   \
	JMP    next                      \
near:                                    \
	ADDQ DI, R12                     \
	CMPL R13, $1                     \
	JE   same                        \
	CMPL R13, $8                     \
	JLO  by7                         \
by8:                                     \
	MOVQ (R15), R13                  \
	MOVQ R13, (DI)                   \
	ADDQ $8, R15                     \
	ADDQ $8, DI                      \
	CMPQ DI, R12                     \
	JLO  by8                         \
	MOVQ R12, DI                     \
	JMP  next                        \
by7:                                     \
	MOVQ (R15), X0                   \
	MOVQ X0, (DI)                    \
	ADDQ R13, R15                    \
	ADDQ R13, DI                     \
	CMPQ DI, R12                     \
	JLO  by7                         \
	MOVQ R12, DI                     \
	JMP  next                        \
same:                                    \
	MOVBQZX (R15), R13               \
	MOVQ    $0x0101010101010101, R15 \
	IMULQ   R15, R13                 \
sameBy8:                                 \
	MOVQ R13, (DI)                   \
	ADDQ $8, DI                      \
	CMPQ DI, R12                     \
	JLO  sameBy8                     \
	MOVQ R12, DI                     \
	JMP  next

// func decode(d *Decoder, packed bool, limit int) stop
TEXT ·decode(SB), NOSPLIT, $16-32
	MOVQ    d+0(FP), R10
	MOVBLZX packed+8(FP), R12
	MOVQ    limit+16(FP), R9

	// The table: that of packs, or that of single codes.
	LEAQ    (Decoder_packs+packs_table)(R10), BX
	MOVL    $((1 << const_packBits) - 1), R14
	LEAQ    Decoder_lit(R10), R13
	MOVL    $((1 << const_litBits) - 1), R15
	TESTL   R12, R12
	CMOVQEQ R13, BX
	CMOVQEQ R15, R14

	// Positions, as pointers.
	LEAQ Decoder_in(R10), SI
	MOVQ Decoder_end(R10), R8
	LEAQ -const_inMargin(SI)(R8*1), R8
	ADDQ Decoder_p(R10), SI
	LEAQ Decoder_out(R10), R11
	ADDQ R11, R9
	MOVQ Decoder_o(R10), DI
	ADDQ R11, DI
	MOVQ Decoder_acc(R10), AX
	MOVQ Decoder_n(R10), CX

	// A Scout's steps: at lastStep there is room for one, and mark is where the literals of the
	// next one begin.
	MOVL  $const_stopMargin, R12
	MOVQ  Decoder_scout(R10), BP
	TESTQ BP, BP
	JZ    begin
	ADDQ  Scout_mark(BP), R11
	SUBQ  Scout_kept(BP), R11
	MOVQ  R11, mark-16(SP)
	MOVQ  $-1, R11
	LEAQ  (Scout_steps+(const_maxSteps-1)*step__size)(BP), R13
	MOVQ  R13, lastStep-8(SP)
	MOVQ  Scout_n(BP), R15
	LEAQ  Scout_steps(BP)(R15*step__size), BP
	CMPQ  BP, R13
	JHS   done

begin:
	CMPQ SI, R8
	JHI  done
	CMPQ DI, R9
	JHI  done
	REFILL(R12)
	LOOKUP(R12)
	PCALIGN $32

	// An iteration. DX is looked up, and AX has 56 bits or more.
next:
	MOVL  $const_stopMargin, R12
	CMPQ  SI, R8
	JHI   done
	CMPQ  DI, R9
	JHI   done
	TESTL $(1 << const_litBits), R14
	JZ    single

	// A pack takes 12 bits at most, and a distance 28: two packs and a distance are fewer
	// than 56. A distance after a third one needs more.
	LITERALS(R12, R13)
	JZ   packed
	ADDQ R13, DI
	LOOKUP(R12)
	LITERALS(R12, R13)
	JZ   packed
	ADDQ R13, DI
	LOOKUP(R12)
	LITERALS(R12, R13)
	JZ   packed3
	ADDQ R13, DI
	REFILL(R12)
	LOOKUP(R12)
	JMP  next

packed3:
	REFILL(R12)

	// DX is a pack that ends with a length, or is none.
packed:
	TESTL   $const_isNoPack, DX
	JNZ     none
	MOVL    DX, R12
	SHRL    $16, R12
	MOVBLZX R12, R12
	ADDL    $3, R12
	SHRL    $24, DX
	ADDQ    DX, DI
	MOVL    AX, R13
	ANDL    $((1 << const_distBits) - 1), R13
	MOVL    Decoder_dist(R10)(R13*4), R13

	// R13 is the entry of a distance, and R12 the length.
distance:
	TESTL $const_isSpecial, R13
	JNZ   longDistance

found:
	VALUE(R13, R15, DX)
	MOVQ DI, R15
	SUBQ R13, R15
	CMPQ R15, R11
	JLO  before

	// The next entry is looked up before the match is copied, by 32 bytes at first.
	REFILL(DX)
	LOOKUP(DX)
	COPY

	// The source is before the beginning. A Scout makes a step.
before:
	TESTQ BP, BP
	JZ    tooFar
	REFILL(DX)
	LOOKUP(DX)
	MOVQ DI, R15
	SUBQ mark-16(SP), R15
	MOVQ DI, mark-16(SP)
	MOVL R15, step_literals(BP)
	MOVW R12, step_length(BP)
	MOVW R13, step_distance(BP)
	ADDQ $step__size, BP
	CMPQ BP, lastStep-8(SP)
	JLO  next
	MOVL $const_stopMargin, R12
	JMP  done

longDistance:
	TESTL $const_isSubtable, R13
	JZ    invalid
	SUBTABLE(const_distBits, Decoder_dist, const_distSize, R13, DX, R15)
	TESTL $const_isSpecial, R13
	JZ    found
	JMP   invalid

	// A code that is in no pack: a long one, the end of the block, or a length with many
	// extra bits.
none:
	REFILL(R12)
	MOVL  AX, R12
	ANDL  $((1 << const_litBits) - 1), R12
	MOVL  Decoder_lit(R10)(R12*4), DX
	TESTL $const_isLiteral, DX
	JNZ   literal
	JMP   code

	// Three literals take 33 bits, and a length with a distance 20 + 28.
single:
	TESTL $const_isLiteral, DX
	JZ    code
	LITERAL(R12)
	LOOKUP(R12)
	TESTL $const_isLiteral, DX
	JZ    code3
	LITERAL(R12)
	LOOKUP(R12)
	TESTL $const_isLiteral, DX
	JZ    code3

literal:
	LITERAL(R12)
	REFILL(R12)
	LOOKUP(R12)
	JMP next

code3:
	REFILL(R12)

	// DX, of the table of single codes, is a length, the end, or a long code.
code:
	TESTL $const_isSpecial, DX
	JNZ   special

length:
	VALUE(DX, R15, R12)
	MOVL DX, R12
	MOVL AX, R13
	ANDL $((1 << const_distBits) - 1), R13
	MOVL Decoder_dist(R10)(R13*4), R13
	JMP  distance

special:
	TESTL $const_isSubtable, DX
	JZ    end
	SUBTABLE(const_litBits, Decoder_lit, const_litSize, DX, R12, R13)
	TESTL $const_isLiteral, DX
	JNZ   literal
	TESTL $const_isSpecial, DX
	JZ    length

end:
	TESTL $const_isEnd, DX
	JZ    invalid
	CONSUME(DX)
	MOVL  $const_stopEnd, R12
	JMP   done

invalid:
	MOVL $const_stopInvalid, R12
	JMP  done

tooFar:
	MOVL $const_stopDistance, R12

done:
	ANDL $63, CX
	MOVQ CX, Decoder_n(R10)
	MOVQ AX, Decoder_acc(R10)
	LEAQ Decoder_out(R10), R13
	SUBQ R13, DI
	MOVQ DI, Decoder_o(R10)
	TESTQ BP, BP
	JZ   input
	MOVQ mark-16(SP), R11
	SUBQ R13, R11
	MOVQ Decoder_scout(R10), R13
	ADDQ Scout_kept(R13), R11
	MOVQ R11, Scout_mark(R13)
	LEAQ Scout_steps(R13), R11
	SUBQ R11, BP
	SHRQ $3, BP // by step__size
	MOVQ BP, Scout_n(R13)

input:
	LEAQ Decoder_in(R10), R11
	SUBQ R11, SI
	MOVQ SI, Decoder_p(R10)
	MOVQ R12, ret+24(FP)
	RET

// carry is Decoder.carryInGo. It begins a step only if there is space for the step's literals and
// a match of 258 bytes. Up to 16 bytes are written beyond the literals, where there is space for
// that match, and up to 29 beyond the match, which are fewer than the slack has. Up to 16 bytes
// are read beyond a Scout's literals, which have as much slack. A match's source is checked as in
// decode. Its length is one that decode found, or 0 at a block's end.
//
// It writes 256 KiB of output at most. The scheduler cannot interrupt it.
//
// Registers:
//
//	BX, R8	the step, and the end of the steps
//	SI	its literals
//	DX	how many they are
//	DI, R9	where output is written, and from where on a match has too little space
//	R11	the beginning of the output
//	R12, R13, R15	the length, the distance, and the match's source
//
// func carry(d *Decoder, steps *step, n int, literals *byte) (done, copied int)
TEXT ·carry(SB), NOSPLIT, $0-48
	MOVQ d+0(FP), R10
	MOVQ steps+8(FP), BX
	MOVQ n+16(FP), R8
	LEAQ (BX)(R8*step__size), R8
	MOVQ literals+24(FP), SI
	LEAQ Decoder_out(R10), R11
	LEAQ (const_outputSize-const_maxMatch)(R11), R9
	MOVQ Decoder_o(R10), DI
	ADDQ R11, DI
	PCALIGN $32

next:
	CMPQ    BX, R8
	JHS     done
	MOVL    step_literals(BX), DX
	MOVWLZX step_length(BX), R12
	MOVWLZX step_distance(BX), R13
	LEAQ    (DI)(DX*1), R15
	CMPQ    R15, R9
	JHI     done
	SUBQ    R13, R15
	CMPQ    R15, R11
	JLO     done
	ADDQ    $step__size, BX
	MOVUPS  (SI), X0
	MOVUPS  X0, (DI)
	CMPL    DX, $16
	JHI     literals
	ADDQ    DX, SI
	ADDQ    DX, DI

match:
	COPY

literals:
	ADDQ DX, DI
	ADDQ DX, SI
	NEGQ DX

literalsBy16:
	ADDQ   $16, DX
	MOVUPS (SI)(DX*1), X0
	MOVUPS X0, (DI)(DX*1)
	CMPQ   DX, $-16
	JLT    literalsBy16
	JMP    match

done:
	SUBQ R11, DI
	MOVQ DI, Decoder_o(R10)
	SUBQ steps+8(FP), BX
	SHRQ $3, BX // by step__size
	MOVQ BX, done+32(FP)
	SUBQ literals+24(FP), SI
	MOVQ SI, copied+40(FP)
	RET
