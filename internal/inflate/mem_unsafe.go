//go:build !inflate_safe && (amd64 || arm64)

package inflate

import "unsafe"

// load64 and store64 are binary.LittleEndian's without the checks of bounds,
// on processors that are little-endian and have no need of alignment. They
// are sound because the fast loop, which alone uses them, goes on only while
// inMargin bytes of input and outMargin of output are ahead, and has checked
// that a distance does not lead to before the output's beginning.
func load64(b []byte, i int) uint64 {
	return *(*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i))
}

func store64(b []byte, i int, v uint64) {
	*(*uint64)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i)) = v
}
