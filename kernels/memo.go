package kernels

import (
	"sync"
	"unsafe"
)

// A memo keeps what Bind makes of params whatever the operands' size, so that
// operations that are bound for many sizes share it. It is never emptied: it
// holds each form of a param once, of which there are few.
type memo struct{ made sync.Map } // from memoKey to func() any, which makes it once

// A memoKey is a param, by where its data lie, and what is made of it.
type memoKey struct {
	data *byte
	form any
}

// WithMemo returns the same tier with a memo: if Bind has to convert a param to
// another form, all Ops that this Tier binds share the result. It is for one
// net that is bound for many sizes, and valid while its params' data stay where
// they are. It is safe for concurrent use.
func (t *Tier) WithMemo() *Tier {
	with := *t
	with.memo = new(memo)
	return &with
}

// remember returns what transform makes of a param, of which the tier's memo
// keeps one for each form. A form is comparable, and says all that the result
// depends on beside the param and the tier. Without a memo it is made anew.
func remember[T any](t *Tier, p Param, form any, transform func() T) T {
	if t.memo == nil {
		return transform()
	}
	once, _ := t.memo.made.LoadOrStore(memoKey{unsafe.SliceData(p.Data), form}, sync.OnceValue(func() any { return transform() }))
	return once.(func() any)().(T)
}
