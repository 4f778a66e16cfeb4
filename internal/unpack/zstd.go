package unpack

import (
	"bufio"
	"context"
	"errors"
	"io"
)

var zstdFormat = compression{name: "zstd", is: isZstd, open: openTarZstd}

// isZstd reports whether data begins with a frame (RFC 8878, section 3.1.1) or with one of
// the sixteen kinds of skippable frames (section 3.1.2).
func isZstd(head []byte) bool {
	return magic("\x28\xb5\x2f\xfd")(head) || len(head) >= 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18"
}

func openTarZstd(ctx context.Context, p *Pool, r *bufio.Reader) (io.ReadCloser, error) {
	z, err := p.zstd(ctx, r, maxTarWindow)
	if tooLarge, ok := errors.AsType[*windowError](err); ok {
		return nil, &RefusedError{Reason: tooLarge.Error()}
	}
	return z, err
}
