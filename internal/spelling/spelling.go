// Package spelling finds what somebody meant who wrote something else.
package spelling

import "slices"

// Distance is Levenshtein's: how many bytes must be put in, taken out or
// changed to make one word of the other.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := corner
			if a[i] != b[j] {
				changed++
			}
			corner = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Nearest are those of some words that are nearest to one, the nearest first and n
// at most: none of which half would have to be changed.
func Nearest(word string, words []string, n int) []string {
	distance := map[string]int{}
	var near []string
	for _, w := range words {
		if _, ok := distance[w]; ok {
			continue
		}
		distance[w] = Distance(word, w)
		if 2*distance[w] < max(len(word), len(w)) {
			near = append(near, w)
		}
	}
	slices.SortStableFunc(near, func(a, b string) int { return distance[a] - distance[b] })
	return near[:min(n, len(near))]
}
