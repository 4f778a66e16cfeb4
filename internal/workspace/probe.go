package workspace

import (
	"errors"
	"io/fs"
)

// place is what the system says of a directory besides its mode.
type place struct {
	known  bool
	device uint64
	// mount tells mounts of one device apart; 0 if the system does not say.
	mount uint64
	// appendOnly: what is made there can be neither renamed nor removed.
	appendOnly bool
	// immutable: nothing can be made there.
	immutable bool
}

// sameMount reports whether files can be renamed from one place to the other.
func (p place) sameMount(o place) bool {
	return !p.known || !o.known || p.device == o.device && (p.mount == o.mount || p.mount == 0 || o.mount == 0)
}

// probe finds out, before anything is made or fetched, whether a stage in base can do its
// work: files must be movable there, and the stage removable.
func (s *Stage) probe() error {
	defer s.at.forget(".")
	at, err := placeOf(s.at, s.base)
	if errors.Is(err, fs.ErrNotExist) {
		return err // another process's undo removed it
	}
	if err != nil {
		return &PathError{s.dest.Output, "cannot be looked into: " + err.Error()}
	}
	s.place, s.mounts = at, nil
	for _, m := range mounts(s.dest.Root) {
		if !within(s.base, m.at) {
			s.mounts = append(s.mounts, m)
		}
	}
	if at.appendOnly || at.immutable {
		attribute := "append-only (chattr +a): files that are made there can be neither moved nor removed"
		if at.immutable {
			attribute = "immutable (chattr +i): nothing can be made there"
		}
		return &PathError{s.dest.Output, "leads into a directory that is " + attribute + "; choose another one, or take the attribute away"}
	}
	return s.guardDestination()
}

// enter looks at an existing directory before anything is planned in it. A reason why no file
// can be put there, in barred, matters only once a file is to be put there.
func (p *planner) enter(to spot) (spot, error) {
	at, err := placeOf(p.stage.at, to.real)
	if err != nil {
		return to, err
	}
	to.barred, to.place = nil, at
	if to.mount, err = p.stage.mountFrom(to.real, at); err != nil {
		return to, err
	}
	if to.mount != "" && !p.hollow {
		if err := p.stage.searchMount(p.ctx, to.mount); err != nil {
			return to, err
		}
	}
	switch {
	case to.mount != "" && p.stage.isReadOnly(to.real):
		to.barred = &PlaceError{Path: p.show(to), Reason: readOnlyMount, Mount: true}
	case at.appendOnly:
		to.barred = &PlaceError{Path: p.show(to), Reason: "is append-only (chattr +a): files that are put there can be neither moved nor removed"}
	case at.immutable:
		to.barred = &PlaceError{Path: p.show(to), Reason: "is immutable (chattr +i): nothing can be put there"}
	}
	to.github = inDotGitHub(to.real)
	return to, nil
}
