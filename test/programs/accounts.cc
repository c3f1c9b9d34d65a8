// Threads that change members of objects: prints each change, and how often functions are called.
#include <cstdio>
#include <stdexcept>
#include <thread>

namespace bank {

class Account {
  public:
    explicit Account(const char *owner) : owner(owner) {
    }
    long deposit(long amount);
    template <typename Amounts> void book(const Amounts &amounts);

  private:
    void show() const;

    const char *owner;
    long balance = 0;
    long calls = 0;
    long thrown = 0;
};

__attribute__((noinline)) void Account::show() const {
    std::printf("%s %ld\n", owner, balance);
}

__attribute__((noinline)) long Account::deposit(long amount) {
    calls++;
    if (amount == 0)
        throw std::invalid_argument("nothing");
    balance += amount;
    show();
    if (amount % 2) {
        balance *= 3;
        show();
    }
    return balance;
}

template <typename Amounts> void Account::book(const Amounts &amounts) {
    for (long amount : amounts) {
        try {
            deposit(amount);
        } catch (const std::invalid_argument &) {
            thrown++;
        }
    }
    std::printf("calls %ld, thrown %ld\n", calls, thrown);
}

} // namespace bank

int main() {
    bank::Account first("first"), second("second");
    const long some[] = {1, 0, 20, 7, 0, -300, 3}, others[] = {2, -1, 4, 0, 10000};
    std::thread([&] { first.book(some); }).join();
    std::thread([&] { second.book(others); }).join();
}
