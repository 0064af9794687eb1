package kernels

// taskSize is about how many elements a task handles: enough to make up for
// handing it out, few enough that threads can share a small map.
const taskSize = 4096

// lanes is how many channels the portable loops accumulate at a time: one
// cache line of them.
const lanes = 16

// scratchless is an Op that needs no Workspace.
type scratchless struct{}

func (scratchless) Scratch() int { return 0 }

// flat is the tasks of an Op that computes each element of its only result by
// itself: taskSize of them at a time, items no matter.
type flat struct {
	scratchless
	volume int // elements of an item
}

func (f *flat) Tasks(n int) int { return ceilDiv(n*f.volume, taskSize) }

// elements are those of the tasks lo, …, hi−1.
func (f *flat) elements(n, lo, hi int) (from, to int) {
	return lo * taskSize, min(hi*taskSize, n*f.volume)
}

// ceilDiv is ⌈a/b⌉ for a ≥ 0 and b > 0.
func ceilDiv(a, b int) int {
	q := a / b
	if a%b != 0 {
		q++
	}
	return q
}
