// Goroutines that call, grow their stacks, return two values; prints a sum.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
)

type point struct {
	x, y int
	name string
}

//go:noinline
func work(n int, text string, p *point) int {
	p.x += n
	return n*2 + len(text)
}

//go:noinline
func deep(n int, buffer [64]int) int {
	if n == 0 {
		return buffer[0]
	}
	buffer[n%64] = n
	return deep(n-1, buffer) + buffer[n%64]
}

//go:noinline
func pair(a, b int) (int, error) {
	if a > b {
		return a, fmt.Errorf("%d > %d", a, b)
	}
	return b, nil
}

func main() {
	rounds, _ := strconv.Atoi(os.Args[1])
	var group sync.WaitGroup
	totals := make([]int, 8)
	for g := 0; g < 8; g++ {
		group.Add(1)
		go func(g int) {
			defer group.Done()
			p := &point{name: "point"}
			for i := 0; i < rounds; i++ {
				totals[g] += work(i, "text", p)
				if i%64 == 0 {
					totals[g] += deep(100, [64]int{1})
					runtime.Gosched()
				}
			}
			a, err := pair(g, 3)
			if err == nil {
				totals[g] += a
			}
		}(g)
	}
	group.Wait()
	sum := 0
	for _, total := range totals {
		sum += total
	}
	fmt.Println(sum)
}
