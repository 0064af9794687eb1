// Package arm64 emits the kernels of the tiers of arm64: the same kernels as
// package amd64, for the same blocks of arguments, with the same chains of sums.
//
// It uses avo's ir, gotypes and printer, which need only an opcode and printable operands
// of an instruction: stubs, offsets of fields, sizes of frames, labels and the file's
// header are made as for amd64. avo's passes are for amd64 only and are not run. In their
// place are:
//
//   - a method for each instruction, named as in Go's assembler. Instructions
//     that the assembler lacks have their A64 name and are emitted as words,
//     with their text as a comment; a test decodes the words and compares;
//   - two banks that allocate registers, free them at the end of a scope, and
//     write the register map above each kernel from their uses. A kernel that
//     needs too many registers does not spill: it is an error.
//
// # Tiles
//
// Six rows by one panel of 16 columns are 24 vectors of sums; four elements of
// each row of A are 6 more, whose lanes the multiply-adds take one after the
// other; two are left for B, each of whose vectors is loaded once and used by
// all rows. A load that broadcasts would occupy a pipe that multiplies. Tiles
// of fewer rows have up to 8 vectors of B on their way. Pool windows are tiles
// of 4 rows, or 8 where a panel has no more than 8 columns. The rest of K after
// fours is taken by two and by one.
//
// If fewer than 16 columns are stored, or another number of elements is not a
// multiple of 16, the rest is taken in pieces of 8, 4, 2 and 1, so that nothing
// past an operand's end is touched.
//
// Functions of one element keep their constants in registers: each in a
// register if there are few, else in lanes.
//
// FMAX and FMIN return NaN if either operand is NaN, so that NaN survives
// pooling and clamping; the sign of a zero may be the limit's.
//
// Winograd's transforms take four channels at a time, which leaves room for a
// tile after its first pass: all but F(4×4)'s input transform read each
// element once, and none uses Temp.
//
// # Products of bytes
//
// NEON without dot products has no instruction for four products of bytes. It can
// multiply words, which bytes are widened to: one instruction for four products, on
// one pipe of a Cortex-A57 or A72. Or it multiplies signed bytes and adds neighbours:
// two instructions for eight products, one on either pipe. Gemm, convpool and fully
// connected kernels do the latter. convpool3x3 does the former, as its weights are
// widened once, and its three taps in a row do not fill two pairs.
//
// All but convpool3x3 of neon multiply x − 128 for x, and begin at SignedBias.
//
// The loops, with llvm-mca's cycles; convpool3x3's is that of a window by 16 columns,
// with what follows its sums and both ways to store results:
//
//	kernel                      instr products | cortex-a53 | cortex-a72 | apple-a14
//	gemm_u8i8_2x16_neon            41      128 |       52.0 |       18.3 |      16.0
//	gemm_u8i8_1x16_neon            23       64 |       32.0 |       10.3 |       8.0
//	convpool_u8i8_4x16_neon        41      128 |       54.0 |       18.3 |      16.0
//	fully_u8i8_1x64_neon           44      128 |       55.0 |       20.0 |      16.0
//	convpool3x3_u8i8_neon         227      576 |      370.0 |      167.0 |      86.0
//	gemm_u8i8_5x16_neondot        109     1280 |            |            |      28.3
//	convpool_u8i8_4x16_neondot     91     1024 |            |            |      22.7
//	fully_u8i8_1x64_neondot       120     1024 |            |            |      26.0
//	convpool3x3_u8i8_neondot      125      576 |            |            |      36.0
//
// # Inner loops
//
// llvm-mca's prediction (LLVM 14) for the longest inner loops. instr counts all
// instructions, fma those that multiply and add four elements; ratio is their
// quotient. Under each processor are the cycles of an iteration, and the share
// of them that the multiply-adds alone would take. That release models
// neoverse-n1 and cortex-a76 as a Cortex-A57, of half their width; LLVM 19's
// own model of neoverse-n1 predicts half of these cycles, and of neoverse-v2 a
// quarter, with the same use, 100 %, in all gemm, product and convpool loops of
// 4 rows and more.
//
//	kernel                   instr   fma ratio | neoverse-n1 and cortex-a76 | apple-a14
//	gemm_f32_6x16              126    96  1.31 |   96.0   100 %             |   32.0   100 %
//	  8 columns                 70    48  1.46 |   48.0   100 %             |   16.0   100 %
//	gemm_f32_5x16              109    80  1.36 |   80.0   100 %             |   26.7   100 %
//	gemm_f32_4x16               92    64  1.44 |   64.0   100 %             |   21.3   100 %
//	gemm_f32_3x16               75    48  1.56 |   48.0   100 %             |   16.0   100 %
//	gemm_f32_2x16               58    32  1.81 |   32.0   100 %             |   11.0    97 %
//	gemm_f32_1x16               41    16  2.56 |   21.0    76 %             |   10.5    51 %
//	product_f32_6x16           125    96  1.30 |   96.0   100 %             |   32.0   100 %
//	convpool_f32_4x16           83    64  1.30 |   64.0   100 %             |   21.3   100 %
//	  8 columns, two windows    87    64  1.36 |   64.0   100 %             |   21.3   100 %
//	fully_f32_1x64             119    64  1.86 |   81.0    79 %             |   26.0    82 %
//	fully_f32f16_1x64          159    64  2.48 |  160.0    40 %             |   42.7    50 %
//	fully_f32_1x16              32    16  2.00 |   21.0    76 %             |    8.0    67 %
//	fully_f32f16_1x16           42    16  2.62 |   40.0    40 %             |   10.7    50 %
//	depthwise_f32               33    16  2.06 |   21.0    76 %             |    8.0   100 %
//	grouped_f32                 54    32  1.69 |   32.0   100 %             |   11.3    94 %
//	winograd_f32_in2            73             |   67.0                     |   20.0
//	winograd_f32_in4           279             |  180.0                     |   72.0
//	winograd_f32_out2           88             |   69.0                     |   21.6
//	winograd_f32_out4          269             |  212.0                     |   63.0
//	winograd_f32_outpool2       61             |   51.0                     |   16.5
//	winograd_f32_outpool4      183             |  140.0                     |   45.5
//	clamp_f32                   18             |   20.0                     |    4.7
//	maxpool_f32                 16             |   13.0                     |    3.3
//	avgpool_f32                 21             |   20.0                     |    5.3
//	activate_f32_hardswish      14             |   14.0                     |    3.7
//	activate_f32_exp            66    14  4.71 |   58.0    24 %             |   25.8    18 %
//	activate_f32_sigmoid        78    14  5.57 |   92.6    15 %             |   31.3    15 %
//	activate_f32_tanh          114    24  4.75 |  130.5    18 %             |   48.5    16 %
//	activate_f32_softplus      100    24  4.17 |  134.0    18 %             |   48.0    17 %
//	activate_f32_mish           78    14  5.57 |  102.5    14 %             |   33.6    14 %
//	activate_f32_gelu          130    42  3.10 |  117.0    36 %             |   69.5    20 %
//	activate_f32_log            85     8 10.62 |  107.0     7 %             |   33.0     8 %
//	activate_f32_sin            61    14  4.36 |   44.6    31 %             |   19.5    24 %
//	binary_f32_add              20             |   24.0                     |    5.5
//	binary_f32_pow             256    32  8.00 |  333.0    10 %             |  120.0     9 %
//	blend_f32                   12     4  3.00 |    6.2    64 %             |    4.0    50 %
//	interleave_f32               6             |    7.0                     |    3.0
//	reducerows_f32_sum          20             |   21.0                     |    5.3
//	reducerows_f32_squares      36             |   37.0                     |   10.7
//	reducecolumns_f32_sum       21             |   20.0                     |    5.3
//	reducecolumns_f32_squares   37             |   36.0                     |   10.7
//	normaliserows_f32           28     4  7.00 |   26.0    15 %             |    7.0    29 %
//	normalisecolumns_f32        25     4  6.25 |   17.0    24 %             |    6.0    33 %
//	softmax_f32                 74    14  5.29 |   71.5    20 %             |   32.5    22 %
//	transpose_f32               28             |   22.0                     |    9.0
//	im2col_f32                   6             |   12.0                     |    2.5
//	widen_f16_f32                9             |   11.0                     |    3.0
//
// Fully connected layers are as fast as memory gives the weights. Converting
// half precision takes twice as long as multiplying: a Neoverse N1 takes 4
// bytes of it a cycle, a V2 8.
//
// The table is printed by
//
//	go -C gen test ./arm64 -run MCA -v
package arm64
