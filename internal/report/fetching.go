package report

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/artifetch/artifetch/internal/fetch"
	"github.com/artifetch/artifetch/internal/httpx"
	"github.com/artifetch/artifetch/internal/spool"
	"github.com/artifetch/artifetch/internal/transfer"
	"github.com/artifetch/artifetch/internal/unpack"
	"github.com/artifetch/artifetch/internal/words"
	"github.com/artifetch/artifetch/internal/workspace"
)

// fetchHint returns the advice for an error of fetching, extracting or publishing what was
// chosen, or nothing.
func (a audience) fetchHint(err error) string {
	if differs, ok := errors.AsType[*transfer.DigestError](err); ok {
		again := "The bytes are not those that were uploaded; " + a.rerun() + ", and if it happens again, upload the artifact anew"
		if differs.Final {
			return again
		}
		return again + ". " + a.set("digest-mismatch", "warn") + " lets it pass"
	}
	if _, ok := errors.AsType[*transfer.ExpectError](err); ok {
		return "Nothing was written. Check that " + a.name("expect-digest") + " is the artifact-digest of the upload of these very artifacts (same run, same attempt); " +
			"if it is, they are not what was uploaded: find out who replaced them"
	}
	if _, ok := errors.AsType[*transfer.CountError](err); ok {
		return fmt.Sprintf("Nothing was fetched. %s takes one digest for each artifact: choose artifacts by %s or %s, or give the missing digests; "+
			"with %s, put the artifact's name behind each digest", a.name("expect-digest"), a.name("name"), a.name("artifact-ids"), a.name("shard"))
	}
	if _, ok := errors.AsType[*transfer.PageError](err); ok {
		return "Nothing was written. A proxy, a login page or an error of the storage was sent instead of the artifact: check whether " + a.machine() + " can reach " +
			"the storage without a proxy (NO_PROXY), and " + a.rerun()
	}
	if _, ok := errors.AsType[*transfer.EncodingError](err); ok {
		return "Nothing was written. Let " + a.machine() + " reach the storage without that proxy (NO_PROXY), or have the proxy pass the answers of the storage on unchanged"
	}
	if _, ok := errors.AsType[*transfer.UnsoundError](err); ok {
		return "Nothing was written. No digest proves that the archive was uploaded like this, so it is kept only if it is intact; " + a.rerun() + ", or upload the artifact anew"
	}
	if _, ok := errors.AsType[*unpack.RefusedError](err); ok {
		return "Nothing was written. If you trust the artifact, " + a.set("skip-decompress", "true") + " keeps the archive as it is; otherwise find out who made it"
	}
	if _, ok := errors.AsType[*workspace.LinkError](err); ok {
		return "Nothing was written. Symlinks may only lead to places in the destination; find out who made the artifact, " +
			"or choose a path that no other files are in, without " + a.name("merge-multiple")
	}
	if protected, ok := errors.AsType[*workspace.ProtectedError](err); ok {
		return a.protectedHint(protected)
	}
	if place, ok := errors.AsType[*workspace.PlaceError](err); ok {
		return a.placeHint(place)
	}
	if limit, ok := errors.AsType[*unpack.LimitError](err); ok {
		return fmt.Sprintf("Nothing was written. Raise %s if that is what you expect", a.name(limitInput(limit)))
	}
	if _, ok := errors.AsType[*workspace.ExistsError](err); ok {
		return "Nothing was written, because " + a.name("if-exists") + " is fail; overwrite and skip are the other choices"
	}
	if handOn, ok := errors.AsType[*HandOnError](err); ok {
		return handOnHint(handOn)
	}
	if _, ok := errors.AsType[*transfer.StreamError](err); ok {
		return a.says("Leave out dry-run to fetch it, or leave out files to see which artifacts would be taken without their files",
			"Fetch it: run artifetch without a verb and without --dry-run")
	}
	if _, ok := errors.AsType[*CertificateError](err); ok || errors.Is(err, httpx.ErrNoCertificate) {
		return "Give the path of a PEM file in the workspace, or PEM text"
	}
	return a.systemHint(err)
}

func noFilesHint(e *transfer.NoFilesError) string {
	near := e.Near()
	for i, g := range near {
		near[i] = quotedGlob(g)
	}
	switch {
	case len(near) > 0:
		return fmt.Sprintf("Did you mean %s?", words.List(near, len(near), ", "))
	case e.TakenAway:
		return "The globs that begin with ! exclude all files that the others match"
	}
	return "Globs are on whole paths in the artifact: * stays within a directory, ** crosses directories, and the name of a directory takes all below it"
}

// quotedGlob quotes a glob such that a step can have it as it is shown: only in single
// quotes is a backslash of YAML, or of a shell, one backslash.
func quotedGlob(g string) string {
	other := func(r rune) bool { return r == '\'' || !strconv.IsPrint(r) }
	if strings.Contains(g, `\`) && utf8.ValidString(g) && !strings.ContainsFunc(g, other) {
		return "'" + g + "'"
	}
	return strconv.Quote(g)
}

func (a audience) protectedHint(e *workspace.ProtectedError) string {
	if e.Runner {
		return "Nothing was written. Files there set variables and paths of later steps; find out who made the artifact, or choose another path"
	}
	return "Nothing was written. Git runs commands that its configuration and hooks name, at the latest when the checkout action cleans up; " +
		"choose a path that has no repository in it, leave these files out with " + a.set("files", "!**/.git/**") + ", or, if you mean to change the repository, choose a path inside of that directory"
}

func (a audience) placeHint(e *workspace.PlaceError) string {
	if e.Mount {
		return "Nothing was written. Mount a directory that can be written to, choose another path, or leave these files out: " + a.name("files") + " takes globs, and a glob that begins with ! excludes files"
	}
	return "Nothing was written. Remove the attribute (chattr), or choose another path"
}

// limitInput names the input that sets a limit.
func limitInput(e *unpack.LimitError) string {
	if e.What == unpack.Files {
		return "max-files"
	}
	return "max-size"
}

func (a audience) systemHint(err error) string {
	var quota *spool.QuotaError
	var truncated *fetch.TruncatedError
	var late *fetch.WaitError
	var differs *fetch.MD5Error
	var refused *fetch.StorageError
	if hint := a.networkHint(err, false); hint != "" {
		return hint
	}
	switch {
	case errors.As(err, &quota), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		what := "disk space"
		if quota == nil {
			what += ", or inodes (df -i shows them),"
		}
		return "Free " + what + " on " + a.machine() + ", choose fewer artifacts, or set " + a.name("path") + " to a larger disk; nothing was written to the destination"
	case errors.Is(err, syscall.EROFS):
		return "The file system is read-only there: mount it so that it can be written to, or choose another path; nothing was written to the destination"
	case errors.Is(err, fs.ErrPermission):
		return "The user that this process runs as may not do that: check who owns the directory and its mode (ls -ld)" + a.says(", and what earlier steps left there", "") + ", or choose another path; " +
			"nothing was written to the destination"
	case errors.As(err, &late):
		return "The storage, or the network to it, is too slow: " + a.rerun() + "; nothing was written to the destination"
	case errors.As(err, &differs):
		return "The bytes are not those that were stored; " + a.rerun() + ", and if it happens again, upload the artifact anew"
	case errors.As(err, &truncated):
		return "The storage kept breaking off: " + a.rerun() + "; nothing was written to the destination"
	case errors.As(err, &refused):
		return a.storageHint(refused.Status)
	case errors.Is(err, context.Canceled):
		return a.says("The job was cancelled", "It was interrupted") + "; nothing was written to the destination"
	case httpx.IsTemporary(err):
		return a.storageHint(0)
	}
	return ""
}

// storageHint returns the advice for a storage that did not send an artifact. status is 0
// if it did not answer.
func (a audience) storageHint(status int) string {
	if status == 0 || httpx.TemporaryStatus(status) {
		return "GitHub's storage or the network is in trouble: see https://www.githubstatus.com and " + a.rerun() + "; nothing was written to the destination"
	}
	return "The storage does not accept the signed URL that GitHub gave: check whether a proxy or a firewall answers in its place, and whether " + a.machine() + "'s clock is right; " +
		"nothing was written to the destination"
}
