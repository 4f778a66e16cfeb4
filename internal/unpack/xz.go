package unpack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/mikelolasagasti/xz"
)

// maxXZDictionary is the largest dictionary of xz, in bytes: that of xz -9. Its memory comes
// on top of that of a Pool's windows.
const maxXZDictionary = 64 << 20

var xzFormat = compression{name: "xz", is: magic("\xfd7zXZ\x00"), open: openXZ}

// xzReader reads the streams of an .xz file, and the padding between and behind them, one
// after another.
type xzReader struct{ *windowReader }

// openXZ reserves all windows of the pool, so that only one xz is decompressed at a time:
// how large a dictionary is becomes known late, block by block. So the pool's reader has no
// other user. It is used again and again, because each new one would leave a dictionary to
// the garbage collector.
func openXZ(ctx context.Context, p *Pool, r *bufio.Reader) (io.ReadCloser, error) {
	m, err := p.reserve(ctx, maxTarWindow)
	if err != nil {
		return nil, err
	}
	if p.xz == nil {
		p.xz, err = xz.NewReader(nil, maxXZDictionary)
	}
	if err == nil {
		err = p.xz.Reset(r)
	}
	if err != nil {
		_ = m.Close()
		return nil, xzError(err)
	}
	m.Reader = p.xz
	return xzReader{m}, nil
}

func (x xzReader) Read(p []byte) (int, error) {
	n, err := x.windowReader.Read(p)
	return n, xzError(err)
}

// xzError makes a refusal of the error for a dictionary that is too large.
func xzError(err error) error {
	if errors.Is(err, xz.ErrMemlimit) {
		return &RefusedError{Reason: fmt.Sprintf("xz needs more than %d MiB of memory to decompress it; compress it with a smaller dictionary", maxXZDictionary>>20)}
	}
	return err
}
