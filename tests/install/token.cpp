// A C++ program that uses the installed library, with the header for C++ where there is one.
#include <connectcreds.h>
#if __has_include(<connectcreds.hpp>)
#include <connectcreds.hpp>
#endif
#include <iostream>
#include <memory>

int main()
{
    cc_mock *mock = nullptr;
    if (cc_mock_token("mocked", &mock, nullptr) != CC_OK)
        return 2;
    std::unique_ptr<cc_mock, decltype(&cc_mock_end)> end{mock, cc_mock_end};
    cc_token *token;
    if (cc_service_account_token(nullptr, &token, nullptr) != CC_OK)
        return 1;
    std::unique_ptr<cc_token, decltype(&cc_token_free)> owned{token, cc_token_free};
    std::cout << cc_token_type(token) << ' ' << cc_token_access_token(token) << '\n';
}
