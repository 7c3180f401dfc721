/*
 * Gets a token of the service account and a viewer's in C++, and tries again later where that
 * helps.
 *
 *     with_cpp [SESSION_TOKEN]
 *
 * SESSION_TOKEN is the viewer's, which Connect sends in the HTTP header
 * Posit-Connect-User-Session-Token. A real program puts no secret on a command line, where other
 * users of the machine can read it.
 */
#include <connectcreds.hpp>

#include <chrono>
#include <iostream>
#include <thread>

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace
{

const int ATTEMPTS = 3;

/* Makes a call again while it fails with what may pass. The library has tried again already, within
 * its timeout. */
template <class Call> connectcreds::token patiently(Call call)
{
    for (int attempt = 1;; attempt++) {
        try {
            return call();
        } catch (const connectcreds::error &error) {
            if (!error.is_retryable() || attempt == ATTEMPTS)
                throw;
            const milliseconds asked = error.retry_after();
            std::this_thread::sleep_for(asked > milliseconds(0) ? asked : milliseconds(seconds(1)));
        }
    }
}

void print(const char *whose, const connectcreds::token &token)
{
    using std::chrono::system_clock;
    std::cout << whose << ": " << token.type() << " token";
    if (token.has_expiry()) {
        const auto left = token.expires_at() - system_clock::now();
        std::cout << ", expires in "
                  << std::chrono::duration_cast<std::chrono::minutes>(left).count() << " minutes";
    }
    std::cout << '\n';
}

} // namespace

int main(int argc, char **argv)
try {
    const auto request = connectcreds::request().timeout(seconds(10)).min_validity(seconds(60));

    print("service account",
          patiently([&] { return connectcreds::service_account_token(request); }));
    if (argc > 1)
        print("viewer", patiently([&] { return connectcreds::viewer_token(argv[1], request); }));
    return 0;
} catch (const connectcreds::error &error) {
    std::cerr << error.name() << ": " << error.what() << '\n';
    return 1;
}
