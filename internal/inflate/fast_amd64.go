package inflate

import "golang.org/x/sys/cpu"

// hasBMI2 reports whether the processor has the instructions that decode needs (BMI2, in
// Intel's processors since 2013, in AMD's since 2015).
var hasBMI2 = cpu.X86.HasBMI2

// decode is Decoder.fast in assembly, or Scout.fast if d is a Scout's. It stops when the output
// has more than limit bytes, too. limit is at most outputSize-outMargin. If packed is set,
// codes are looked up in d.packs.table.
//
//go:noescape
func decode(d *Decoder, packed bool, limit int) stop

// quick is fast, by decode where the processor can. In a large block it lets decode use packs
// from some byte of output on.
func (d *Decoder) quick() stop {
	if !hasBMI2 || d.way == portable {
		return d.fast()
	}
	const most = outputSize - outMargin
	if d.packs.state == packsLater {
		limit := min(d.o+int(d.packs.at-d.written()), most)
		if d.way == packed {
			limit = 0
		}
		if d.o <= limit {
			if why := decode(d, false, limit); why != stopMargin || d.o <= limit || limit == most {
				return why
			}
		}
		d.pack()
	}
	return decode(d, d.packs.state == packsBuilt, most)
}

// quick is fast, by decode where the processor can, with packs in a block after a large one.
func (s *Scout) quick() stop {
	d := &s.d
	if !hasBMI2 || d.way == portable {
		return s.fast()
	}
	if d.packs.state == packsLater && (s.large || d.way == packed) {
		d.pack()
	}
	return decode(d, d.packs.state == packsBuilt, outputSize-outMargin)
}

// carry is Decoder.carryInGo in assembly. It returns how many of n steps it has carried out, and
// how many literals these have.
//
//go:noescape
func carry(d *Decoder, steps *step, n int, literals *byte) (done, copied int)

// carryOut is carryInGo, by carry.
func (d *Decoder) carryOut(s *Scout, i, at int) (int, int) {
	if d.way == portable || i == s.n {
		return d.carryInGo(s, i, at)
	}
	done, copied := carry(d, &s.steps[i], s.n-i, &s.literals[at])
	return i + done, at + copied
}
