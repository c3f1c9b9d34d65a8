<?php
namespace Demo;

class Basket
{
    private array $lines = [];

    public function add(string $what, int $cents): self
    {
        $this->lines[] = [$what, $this->withTax($cents)];
        return $this;
    }

    private function withTax(int $cents): int
    {
        return intdiv($cents * 119, 100);
    }

    public function total(): int
    {
        return array_sum(array_column($this->lines, 1));
    }
}

function shop(): int
{
    return (new Basket())->add("tea", 450)->add("Brötchen", 95)->total();
}

printf("total: %d cents\n", shop());
