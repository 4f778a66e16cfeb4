package unpack

// Each calls do for every entry chosen, in the order in which they lie in the
// archive, until it fails. A directory may come more than once. The archive's
// reader failing is a *ReadError.
func (a *Archive) Each(do func(e Entry) error) error {
	return a.each(func(e *Entry) error { return do(*e) })
}
