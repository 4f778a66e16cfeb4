package spool

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"slices"
)

// packer compresses blocks. The zero value is ready for use.
type packer struct {
	w   *flate.Writer
	out bytes.Buffer
	r   io.ReadCloser
}

// pack compresses a block.
func (p *packer) pack(block []byte) ([]byte, error) {
	p.out.Reset()
	if p.w == nil {
		w, err := flate.NewWriter(nil, flate.BestSpeed)
		if err != nil {
			return nil, err
		}
		p.w = w
	}
	p.w.Reset(&p.out)
	if _, err := p.w.Write(block); err != nil {
		return nil, err
	}
	if err := p.w.Close(); err != nil {
		return nil, err
	}
	return slices.Clone(p.out.Bytes()), nil
}

// unpack decompresses what pack returned, into new memory.
func (p *packer) unpack(packed []byte) ([]byte, error) {
	from := bytes.NewReader(packed)
	if p.r == nil {
		p.r = flate.NewReader(from)
	} else if err := p.r.(flate.Resetter).Reset(from, nil); err != nil { //nolint:forcetypeassert // flate promises it
		return nil, err
	}
	block := make([]byte, blockSize)
	if _, err := io.ReadFull(p.r, block); err != nil {
		return nil, fmt.Errorf("spool: unpack a block: %w", err)
	}
	return block, nil
}
