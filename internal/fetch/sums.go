package fetch

import (
	"crypto/md5" //nolint:gosec // the storage has no other digest
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"net/http"
)

// sums are the digests of a blob, over its bytes in their order.
type sums struct {
	sha256 hash.Hash
	// md5 is nil unless withMD5 is set and the storage gave the blob's MD5: want.
	md5     hash.Hash
	want    [md5.Size]byte
	withMD5 bool
}

func newSums(withMD5 bool) *sums { return &sums{sha256: sha256.New(), withMD5: withMD5} }

// told takes the MD5 of the whole blob from the head of an answer, if the head has it: in
// a 200 as Content-MD5, which is the MD5 of the body, in other answers in Azure's own
// header. Source: Azure Blob Storage REST API, "Get Blob". It must be called before the
// first byte arrives.
func (s *sums) told(res *http.Response) {
	header := "X-Ms-Blob-Content-Md5"
	if res.StatusCode == http.StatusOK {
		header = "Content-Md5"
	}
	sum, err := base64.StdEncoding.DecodeString(res.Header.Get(header))
	if !s.withMD5 || err != nil || len(sum) != md5.Size {
		return
	}
	copy(s.want[:], sum)
	s.md5 = md5.New() //nolint:gosec // as above
}

func (s *sums) write(p []byte) {
	s.sha256.Write(p)
	if s.md5 != nil {
		s.md5.Write(p)
	}
}

// reset begins again with the first byte; then told must be called again.
func (s *sums) reset() {
	s.sha256.Reset()
	s.md5 = nil
}

// finish enters the sums into blob. It fails with *MD5Error if the MD5 differs.
func (s *sums) finish(blob *Info) error {
	s.sha256.Sum(blob.SHA256[:0])
	if s.md5 == nil {
		return nil
	}
	err := &MD5Error{Told: s.want}
	if s.md5.Sum(err.Got[:0]); err.Got != s.want {
		return err
	}
	blob.MD5Checked = true
	return nil
}
