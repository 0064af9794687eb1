package engine

// borrow returns a Session for one item on one thread, for a call that needs
// none of its own. It goes back by giveBack.
func (m *Model) borrow() (*Session, error) {
	if m.file.isClosed() {
		return nil, ErrClosed
	}
	if s, ok := m.pool.Get().(*Session); ok {
		return s, nil
	}
	return m.NewSession(SessionOptions{})
}

// giveBack takes a borrowed Session back.
func (m *Model) giveBack(s *Session) {
	if m.file.isClosed() {
		s.Close()
		return
	}
	m.pool.Put(s)
}
