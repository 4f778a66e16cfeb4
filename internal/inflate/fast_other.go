//go:build !amd64

package inflate

// quick is fast.
func (d *Decoder) quick() stop { return d.fast() }

// quick is fast.
func (s *Scout) quick() stop { return s.fast() }

// carryOut is carryInGo.
func (d *Decoder) carryOut(s *Scout, i, at int) (int, int) { return d.carryInGo(s, i, at) }

// packs is for the assembly of another architecture.
type packs struct{}

func (*packs) none()            {}
func (*packs) begin(int64, int) {}
