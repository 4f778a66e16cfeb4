package inflate

import "encoding/binary"

const (
	// inMargin is how much input the fast loop needs ahead: an iteration refills twice,
	// from 8 bytes each time, and consumes 7 at most in between.
	inMargin = 24
	// outMargin is how much space for output it needs: six literals, a match of 258 bytes,
	// and what copying by words writes past the match's end.
	outMargin = 6 + 258 + 32
)

// stop says why the fast loop ended.
type stop int

const (
	stopMargin   stop = iota // input or output is short
	stopEnd                  // the block ended
	stopDistance             // a distance leads to before the beginning
	stopInvalid              // a code that does not exist
)

// fast decodes as long as there is plenty of input and of space for output. It is one long
// function so that its variables stay in registers; for the same reason the end of a block
// is handled twice.
func (d *Decoder) fast() stop {
	in, out := d.in, d.out
	p, o := d.p, d.o
	acc, n := d.acc, d.n
	lit, dist := d.lit, d.dist
	inEnd, outEnd := len(in)-inMargin, d.limit-outMargin
	why := stopMargin

	for p <= inEnd && o <= outEnd {
		// The bits above n are already those of the bytes from p on, so adding them again
		// changes nothing.
		acc |= load64(in[p:]) << (n & 63)
		p += int((63 - n) >> 3)
		n |= 56

		e := lit[acc&(1<<litBits-1)]
		if e&isLiteral != 0 {
			// These take 11 bits at most each time: three times, and the look
			// at a fourth, are 44.
			w := (*[8]byte)(out[o:])
			w[0], w[1] = byte(e>>16), byte(e>>24)
			k := 1 + e>>13&1
			acc >>= e & 63
			n -= uint(e & 63)
			e = lit[acc&(1<<litBits-1)]
			if e&isLiteral != 0 {
				w[k&7], w[(k+1)&7] = byte(e>>16), byte(e>>24)
				k += 1 + e>>13&1
				acc >>= e & 63
				n -= uint(e & 63)
				e = lit[acc&(1<<litBits-1)]
				if e&isLiteral != 0 {
					w[k&7], w[(k+1)&7] = byte(e>>16), byte(e>>24)
					o += int(k + 1 + e>>13&1)
					acc >>= e & 63
					n -= uint(e & 63)
					continue
				}
			}
			o += int(k)
			acc |= load64(in[p:]) << (n & 63)
			p += int((63 - n) >> 3)
			n |= 56
		}
		if e&isSpecial != 0 {
			if e&isSubtable == 0 {
				if e&isEnd != 0 {
					acc >>= e & 63
					n -= uint(e & 63)
					why = stopEnd
				} else {
					why = stopInvalid
				}
				break
			}
			acc >>= litBits
			n -= litBits
			e = lit[(uint64(e>>16)+acc&(1<<(e>>8&15)-1))&(litSize-1)]
			if e&isLiteral != 0 {
				out[o] = byte(e >> 16)
				o++
				acc >>= e & 63
				n -= uint(e & 63)
				continue
			}
			if e&isSpecial != 0 {
				if e&isEnd != 0 {
					acc >>= e & 63
					n -= uint(e & 63)
					why = stopEnd
				} else {
					why = stopInvalid
				}
				break
			}
		}
		// A length takes 20 bits at most and a distance 28, of 56.
		length := int(e>>16) + int(acc&(1<<(e&63)-1)>>(e>>8&15))
		acc >>= e & 63
		n -= uint(e & 63)

		e = dist[acc&(1<<distBits-1)]
		if e&isSpecial != 0 {
			if e&isSubtable == 0 {
				why = stopInvalid
				break
			}
			acc >>= distBits
			n -= distBits
			e = dist[(uint64(e>>16)+acc&(1<<(e>>8&15)-1))&(distSize-1)]
			if e&isSpecial != 0 {
				why = stopInvalid
				break
			}
		}
		distance := int(e>>16) + int(acc&(1<<(e&63)-1)>>(e>>8&15))
		acc >>= e & 63
		n -= uint(e & 63)
		if distance > o {
			why = stopDistance
			break
		}
		from, end := o-distance, o+length
		switch {
		case distance >= 16 && length > 64:
			// If source and target overlap, each turn copies more than the one before.
			for o < end {
				o += copy(out[o:end], out[from:o])
			}
		case distance >= 8:
			a, b := (*[16]byte)(out[o:]), (*[16]byte)(out[from:])
			store64(a[:8], load64(b[:8]))
			store64(a[8:], load64(b[8:]))
			for o += 16; o < end; o += 16 {
				from += 16
				a, b = (*[16]byte)(out[o:]), (*[16]byte)(out[from:])
				store64(a[:8], load64(b[:8]))
				store64(a[8:], load64(b[8:]))
			}
		case distance == 1:
			v := uint64(out[from]) * 0x0101010101010101
			for ; o < end; o += 8 {
				store64(out[o:], v)
			}
		default:
			for ; o < end; o++ {
				out[o] = out[from]
				from++
			}
		}
		o = end
	}
	d.p, d.o, d.acc, d.n = p, o, acc, n
	return why
}

func load64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

func store64(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }
