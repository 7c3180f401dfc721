/**
 * @file connectcreds.hpp
 * @brief The C++ face of connectcreds.h: header-only, for C++11 and later.
 *
 * The behaviour of each call, its statuses and its defaults are documented in connectcreds.h, at
 * the C function of the same name. This header adds what C++ has. Conventions, which hold for every
 * function:
 *
 * Results. A call returns what it gives and throws connectcreds::error. The same call under the
 * name try_… returns a connectcreds::result instead and throws no error; where exceptions are
 * switched off (-fno-exceptions) only this form exists. Run-time type information is not needed.
 *
 * Ownership. Handles are move-only and free themselves. get() lends the C handle, release() gives
 * it away, and the constructor from a C handle takes it. A handle that was moved from is empty: its
 * accessors return nullptr, 0 or "not known", and a call with it is CC_ERR_INVALID_ARGUMENT.
 *
 * Strings. In: see connectcreds::text. Out: a const char * that is borrowed from its handle, valid
 * until that is freed, nullptr when absent. It is a pointer in every standard because it goes to C
 * libraries as it is; std::string and std::string_view can be made of one that is not nullptr.
 *
 * Callbacks. Any callable. An exception that leaves one is carried over the library's C frames and
 * leaves the C++ call during which the callback ran, on the same thread; of several the first.
 * Where a C function made that call, no C++ frame is there to throw from: a cancel callback then
 * ends the call, a mock function fails it with CC_ERR_INTERNAL, and what a log callback throws is
 * dropped. A callback is kept while it runs: it may replace or remove itself.
 *
 * Threads and fork() are as in C. Translation units with and without exceptions can be linked
 * together; their types are distinct, and the C handles go from one to the other.
 */

#ifndef CONNECTCREDS_HPP
#define CONNECTCREDS_HPP

#include <connectcreds.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#if __cplusplus >= 201703L || (defined(_MSVC_LANG) && _MSVC_LANG >= 201703L)
#include <string_view>
#define CONNECTCREDS_STRING_VIEW
#define CONNECTCREDS_NODISCARD [[nodiscard]]
#else
#define CONNECTCREDS_NODISCARD
#endif

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS) || defined(_CPPUNWIND)
#define CONNECTCREDS_EXCEPTIONS
#define CONNECTCREDS_NAMESPACE v0
#else
#define CONNECTCREDS_NAMESPACE v0_noexceptions
#endif

#if defined(__cpp_impl_coroutine) && defined(CONNECTCREDS_EXCEPTIONS)
#include <coroutine>
#define CONNECTCREDS_COROUTINES
#endif

namespace connectcreds
{
inline namespace CONNECTCREDS_NAMESPACE
{

/**
 * A string that goes in: made of a const char *, a std::string or, from C++17 on, a
 * std::string_view. nullptr and "" mean "not given", but for a viewer's session token, see
 * viewer_token().
 *
 * A string with a NUL inside cannot go through C: it is passed on as a control character, which the
 * library rejects rather than cuts off. A view is copied, to end in a NUL, and the copy is wiped.
 */
class text
{
  public:
    text(std::nullptr_t = nullptr) noexcept : pointer_(nullptr)
    {
    }
    text(const char *string) noexcept : pointer_(string)
    {
    }
    text(const std::string &string) noexcept
        : pointer_(string.find('\0') == std::string::npos ? string.c_str() : "\x01")
    {
    }
#ifdef CONNECTCREDS_STRING_VIEW
    text(std::string_view string) : pointer_("\x01")
    {
        if (string.find('\0') == std::string_view::npos) {
            copy_ = string;
            pointer_ = copy_.c_str();
        }
    }
#endif
    text(const text &) = delete;
    text &operator=(const text &) = delete;
    ~text()
    {
        for (std::size_t i = 0; i < copy_.size(); i++)
            *static_cast<volatile char *>(&copy_[i]) = 0;
    }

    /** The string; nullptr when there is none. Valid while this and what it was made of live. */
    const char *c_str() const noexcept
    {
        return pointer_;
    }

  private:
    const char *pointer_;
    std::string copy_;
};

/* Building blocks. */
namespace detail
{

/* Frees any handle. */
struct free_handle {
    void operator()(cc_request *request) const noexcept
    {
        cc_request_free(request);
    }
    void operator()(cc_token *token) const noexcept
    {
        cc_token_free(token);
    }
    void operator()(cc_aws_credentials *credentials) const noexcept
    {
        cc_aws_credentials_free(credentials);
    }
    void operator()(cc_integrations *list) const noexcept
    {
        cc_integrations_free(list);
    }
    void operator()(cc_call *call) const noexcept
    {
        cc_call_free(call);
    }
    void operator()(cc_mock *mock) const noexcept
    {
        cc_mock_end(mock);
    }
    void operator()(cc_error *error) const noexcept
    {
        cc_error_free(error);
    }
    void operator()(char *string) const noexcept
    {
        cc_string_free(string);
    }
};

template <class C> using handle = std::unique_ptr<C, free_handle>;

/* A C++ call that is under way on this thread: where an exception in a callback waits for the C
 * frames to end. */
class frame
{
  public:
#ifdef CONNECTCREDS_EXCEPTIONS
    frame() noexcept : outer_(innermost())
    {
        innermost() = this;
    }
    ~frame()
    {
        innermost() = outer_;
    }

    void rethrow()
    {
        if (thrown_)
            std::rethrow_exception(thrown_);
    }

    /* Inside a handler: keeps the exception for the innermost call. */
    static void keep() noexcept
    {
        if (innermost() != nullptr && !innermost()->thrown_)
            innermost()->thrown_ = std::current_exception();
    }

    frame(const frame &) = delete;
    frame &operator=(const frame &) = delete;

  private:
    static frame *&innermost() noexcept
    {
        thread_local frame *frame_of_thread = nullptr;
        return frame_of_thread;
    }

    frame *outer_;
    std::exception_ptr thrown_;
#else
    void rethrow() noexcept
    {
    }
#endif
};

/* Makes a C call during which callbacks may run. */
template <class F> auto carry(F call) -> decltype(call())
{
    frame here;
    auto outcome = call();
    here.rethrow();
    return outcome;
}

/* Changes a setting of the process. */
template <class Value> void set(cc_status (*setter)(Value), Value value)
{
    carry([=] { return setter(value); });
}

/* Runs a callback under C frames, which no exception may cross: when it throws, the outcome is
 * `thrown`. */
template <class F> bool shield(bool thrown, F callback) noexcept
{
#ifdef CONNECTCREDS_EXCEPTIONS
    try {
        return callback();
    } catch (...) {
        frame::keep();
        return thrown;
    }
#else
    static_cast<void>(thrown);
    return callback();
#endif
}

/* A callback as user data of C. The copy that a call makes keeps the function while it runs. */
template <class Signature> struct callback {
    explicit callback(std::function<Signature> callable)
        : function(std::make_shared<std::function<Signature>>(std::move(callable)))
    {
    }

    static std::shared_ptr<std::function<Signature>> of(void *user_data)
    {
        return static_cast<callback *>(user_data)->function;
    }

    std::shared_ptr<std::function<Signature>> function;
};

/* Turns a duration into the number that a C setter takes: from 0 to INT32_MAX, the largest that the
 * library accepts. */
template <class Duration> std::uint32_t count(Duration duration) noexcept
{
    const auto ticks = duration.count();
    if (ticks < 0)
        return 0;
    return ticks > INT32_MAX ? std::uint32_t(INT32_MAX) : static_cast<std::uint32_t>(ticks);
}

/* A time of C, within what the system's clock can tell. */
inline std::chrono::system_clock::time_point time(std::int64_t unix_seconds) noexcept
{
    using clock = std::chrono::system_clock;
    const auto last = std::chrono::duration_cast<std::chrono::seconds>(clock::duration::max());
    if (unix_seconds < 0 || unix_seconds >= last.count())
        return clock::time_point::max();
    return clock::time_point(std::chrono::seconds(unix_seconds));
}

} // namespace detail

/** Why a call failed: what the throwing calls throw, and what a result without a value holds.
 * Copies share a handle. */
class error : public std::exception
{
  public:
    /** No error: CC_OK. */
    error() noexcept : status_(CC_OK)
    {
    }
    /** Wraps the result of a C call; takes the handle, which may be nullptr. */
    explicit error(cc_status status, cc_error *handle = nullptr) : status_(status)
    {
        if (handle != nullptr)
            handle_.reset(handle, detail::free_handle());
    }

    /** Takes a C handle. */
    explicit error(cc_error *handle) : error(cc_error_status(handle), handle)
    {
    }

    /** One of the CC_ERR_ codes. */
    cc_status status() const noexcept
    {
        return status_;
    }
    /** The status's name, "CC_ERR_NETWORK" for one. */
    const char *name() const noexcept
    {
        return cc_status_name(status_);
    }
    /** The whole message, causes included, one line each; the status's name where there is no
     * message. */
    const char *what() const noexcept override
    {
        const char *message = cc_error_message(get());
        return message != nullptr ? message : name();
    }
    /** The message without the line that names a C function, for bindings; see option(). */
    const char *message_without_hint() const noexcept
    {
        const char *message = cc_error_message_without_hint(get());
        return message != nullptr ? message : name();
    }
    /** The option that the last line of the message tells to set, "server_url" for one; nullptr
     * when it names none. */
    const char *option() const noexcept
    {
        return cc_error_option(get());
    }
    /** The HTTP status of the server's response; 0 when there was none. */
    int http_status() const noexcept
    {
        return cc_error_http_status(get());
    }
    /** The OAuth error code, "invalid_request" for one; nullptr when there was none. */
    const char *oauth_code() const noexcept
    {
        return cc_error_oauth_code(get());
    }
    /** Connect's error code, 212 for one; 0 when there was none. */
    int connect_code() const noexcept
    {
        return cc_error_connect_code(get());
    }
    /** Whether the same call may succeed later with nothing changed. */
    bool is_retryable() const noexcept
    {
        return cc_error_is_retryable(get());
    }
    /** How long the server asked to wait before the next attempt; negative when it did not say. */
    std::chrono::milliseconds retry_after() const noexcept
    {
        return std::chrono::milliseconds(cc_error_retry_after_ms(get()));
    }
    /** The C handle, lent; nullptr when the status is all there is. */
    const cc_error *get() const noexcept
    {
        return handle_.get();
    }

  private:
    cc_status status_;
    std::shared_ptr<const cc_error> handle_;
};

/** A value, or the error that came in its place. */
template <class T> class CONNECTCREDS_NODISCARD result
{
  public:
    result(T value) : value_(std::move(value))
    {
    }
    result(connectcreds::error error) : value_(), error_(std::move(error))
    {
    }

    bool has_value() const noexcept
    {
        return error_.status() == CC_OK;
    }
    explicit operator bool() const noexcept
    {
        return has_value();
    }

    /** The value; throws the error when there is none, or aborts where exceptions are switched off.
     */
    T &value() &
    {
        return check(), value_;
    }
    const T &value() const &
    {
        return check(), value_;
    }
    T &&value() &&
    {
        return check(), std::move(value_);
    }

    /** The value, unchecked: without one, an empty handle. */
    T &operator*() noexcept
    {
        return value_;
    }
    const T &operator*() const noexcept
    {
        return value_;
    }
    T *operator->() noexcept
    {
        return &value_;
    }
    const T *operator->() const noexcept
    {
        return &value_;
    }

    /** The error; its status is CC_OK when there is a value. */
    const connectcreds::error &error() const noexcept
    {
        return error_;
    }

  private:
    void check() const
    {
        if (!has_value()) {
#ifdef CONNECTCREDS_EXCEPTIONS
            throw error_;
#else
            std::abort();
#endif
        }
    }

    T value_;
    connectcreds::error error_;
};

namespace detail
{

/* Makes a C call that gives a handle or an error. */
template <class T, class C, class F> result<T> ask(F call)
{
    C *value = nullptr;
    cc_error *failure = nullptr;
    frame here;
    const cc_status status = call(&value, &failure);
    handle<C> owned(value);
    error why(status, failure);
    here.rethrow();
    return status == CC_OK ? result<T>(T(owned.release())) : result<T>(std::move(why));
}

} // namespace detail

/** AWS credentials in a token. Immutable: any thread may read them. */
class aws_credentials
{
  public:
    aws_credentials() noexcept = default;
    /** Takes a C handle. */
    explicit aws_credentials(cc_aws_credentials *handle) noexcept : handle_(handle)
    {
    }

    const char *access_key_id() const noexcept
    {
        return cc_aws_credentials_access_key_id(get());
    }
    /** A secret: do not print it. */
    const char *secret_access_key() const noexcept
    {
        return cc_aws_credentials_secret_access_key(get());
    }
    /** A secret: do not print it. nullptr when there is none. */
    const char *session_token() const noexcept
    {
        return cc_aws_credentials_session_token(get());
    }
    /** Whether the credentials say when they expire. */
    bool has_expiry() const noexcept
    {
        return cc_aws_credentials_expires_at(get()) >= 0;
    }
    /** When they expire; time_point::max() when they do not say, or later than the clock can tell.
     */
    std::chrono::system_clock::time_point expires_at() const noexcept
    {
        return detail::time(cc_aws_credentials_expires_at(get()));
    }

    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }
    const cc_aws_credentials *get() const noexcept
    {
        return handle_.get();
    }
    cc_aws_credentials *release() noexcept
    {
        return handle_.release();
    }

  private:
    detail::handle<cc_aws_credentials> handle_;
};

/** The OAuth integrations that are associated with the content. Immutable: any thread may read it.
 * The texts are nullptr where there is none, and for an index that is too large. */
class integrations
{
  public:
    integrations() noexcept = default;
    /** Takes a C handle. */
    explicit integrations(cc_integrations *handle) noexcept : handle_(handle)
    {
    }

    std::size_t size() const noexcept
    {
        return cc_integrations_count(get());
    }
    /** What request::integration() and request::audience() take. */
    const char *guid(std::size_t index) const noexcept
    {
        return cc_integrations_guid(get(), index);
    }
    /** The name that an administrator gave it. Names need not be unique. */
    const char *name(std::size_t index) const noexcept
    {
        return cc_integrations_name(get(), index);
    }
    const char *description(std::size_t index) const noexcept
    {
        return cc_integrations_description(get(), index);
    }
    /** The service: "databricks", "aws", "custom". */
    const char *service(std::size_t index) const noexcept
    {
        return cc_integrations_template(get(), index);
    }
    /** Whose credentials it gives: "Viewer", "Service Account". Older servers do not say. */
    const char *auth_type(std::size_t index) const noexcept
    {
        return cc_integrations_auth_type(get(), index);
    }

    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }
    const cc_integrations *get() const noexcept
    {
        return handle_.get();
    }
    cc_integrations *release() noexcept
    {
        return handle_.release();
    }

  private:
    detail::handle<cc_integrations> handle_;
};

/** An access token and what the server said of it. Immutable: any thread may read and share it. */
class token
{
  public:
    token() noexcept = default;
    /** Takes a C handle. */
    explicit token(cc_token *handle) noexcept : handle_(handle)
    {
    }

    /** The token itself. A secret: do not print it. */
    const char *access_token() const noexcept
    {
        return cc_token_access_token(get());
    }
    /** How it is presented: "Bearer", "aws_credentials". */
    const char *type() const noexcept
    {
        return cc_token_type(get());
    }
    /** Returns the type of token that was issued, as a URN; nullptr when the server did not say. */
    const char *issued_type() const noexcept
    {
        return cc_token_issued_type(get());
    }
    /** The header Authorization's value, "Bearer eyJ…". A secret. nullptr for types other than
     * Bearer. */
    const char *authorization() const noexcept
    {
        return cc_token_authorization(get());
    }
    /** Whether it is known when the token expires. */
    bool has_expiry() const noexcept
    {
        return cc_token_expires_at(get()) >= 0;
    }
    /** When it expires; time_point::max() when that is not known, or later than the clock can tell.
     */
    std::chrono::system_clock::time_point expires_at() const noexcept
    {
        return detail::time(cc_token_expires_at(get()));
    }

    /** A member of the server's response, a string as it is and another value as JSON text; nullptr
     * without it. */
    const char *field(const text &name) const noexcept
    {
        return cc_token_field(get(), name.c_str());
    }
    /** The members, in the response's order. */
    std::size_t field_count() const noexcept
    {
        return cc_token_field_count(get());
    }
    const char *field_name(std::size_t index) const noexcept
    {
        return cc_token_field_name(get(), index);
    }
    const char *field_value(std::size_t index) const noexcept
    {
        return cc_token_field_value(get(), index);
    }

    /** Drops the token from the cache because the service refused it; true when it was there. */
    bool invalidate() const noexcept
    {
        return cc_token_invalidate(get());
    }
    /** Makes another handle on the same token. */
    token share() const noexcept
    {
        return token(cc_token_ref(get()));
    }

    result<connectcreds::aws_credentials> try_aws_credentials() const
    {
        return detail::ask<connectcreds::aws_credentials, cc_aws_credentials>(
            [this](cc_aws_credentials **credentials, cc_error **failure) {
                return cc_token_aws_credentials(get(), credentials, failure);
            });
    }
#ifdef CONNECTCREDS_EXCEPTIONS
    /** Reads the AWS credentials in a token that was requested as CC_TOKEN_TYPE_AWS_CREDENTIALS. */
    connectcreds::aws_credentials aws_credentials() const
    {
        return try_aws_credentials().value();
    }
#endif

    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }
    const cc_token *get() const noexcept
    {
        return handle_.get();
    }
    cc_token *release() noexcept
    {
        return handle_.release();
    }

  private:
    detail::handle<cc_token> handle_;
};

/**
 * The options of a call: which token, from which server. Setters can be chained, on a variable and
 * on a temporary:
 *
 *     auto wanted = request().resource("https://service.example.com").timeout(seconds(5));
 *     auto token = service_account_token(wanted);
 *
 * A setter reports nothing: a value that it rejects makes every later call with the request fail,
 * and the error names it. Setting again replaces; nullptr or "" takes a value away. Once set up,
 * one request may serve many threads.
 */
class request
{
  public:
    request() : handle_(cc_request_new())
    {
    }
    /** Takes a C handle. */
    explicit request(cc_request *handle) noexcept : handle_(handle)
    {
    }

    /** Copies the request, rejected values and the cancel callback included: for an option of one
     * call on top of options of all calls. Cheap: values are shared until one of the two changes.
     * The copy of a request that was moved from is empty too. */
    request copy() const
    {
        request other(handle_ ? cc_request_copy(get()) : nullptr);
        other.cancel_ = cancel_;
        return other;
    }

    /** Checks that no setter has rejected a value which was not replaced by a good one since.
     * Returns an error or CC_OK. */
    error try_check() const
    {
        if (!handle_)
            return error(CC_ERR_INVALID_ARGUMENT);
        cc_error *failure = nullptr;
        const cc_status status = cc_request_check(get(), &failure);
        return error(status, failure);
    }
#ifdef CONNECTCREDS_EXCEPTIONS
    void check() const
    {
        error why = try_check();
        if (why.status() != CC_OK)
            throw error(std::move(why));
    }
#endif

    /** The service that the token is for, by its URL. */
    request &resource(const text &url) &
    {
        return set(cc_request_set_resource, url.c_str());
    }
    /** The scopes, separated by spaces. */
    request &scope(const text &scopes) &
    {
        return set(cc_request_set_scope, scopes.c_str());
    }
    /** The GUID of the integration that is meant, where several are associated with the content. */
    request &audience(const text &guid) &
    {
        return set(cc_request_set_audience, guid.c_str());
    }
    /** The integration that is meant, by its name, its template or its GUID. */
    request &integration(const text &name_or_guid) &
    {
        return set(cc_request_set_integration, name_or_guid.c_str());
    }
    /** The type of token, one of the CC_TOKEN_TYPE_ URNs or another. */
    request &requested_token_type(const text &urn) &
    {
        return set(cc_request_set_requested_token_type, urn.c_str());
    }
    /** The content session token to exchange. */
    request &content_token(const text &secret) &
    {
        return set(cc_request_set_content_token, secret.c_str());
    }
    /** The Connect server. */
    request &server_url(const text &url) &
    {
        return set(cc_request_set_server_url, url.c_str());
    }
    /** The Connect API key. */
    request &api_key(const text &secret) &
    {
        return set(cc_request_set_api_key, secret.c_str());
    }
    /** Any further form parameter. */
    request &param(const text &name, const text &value) &
    {
        return set(cc_request_set_param, name.c_str(), value.c_str());
    }
    /** How long a call may take. 0 or less is not the default, unlike in C: no time is left, and a
     * call returns a cached token or fails with CC_ERR_TIMEOUT. */
    request &timeout(std::chrono::milliseconds duration) &
    {
        return set(cc_request_set_time_left_ms, std::int64_t(duration.count()));
    }
    /** Removes the timeout of the request: calls take as long as config::timeout() allows. */
    request &default_timeout() &
    {
        return set(cc_request_set_timeout_ms, std::uint32_t(0));
    }
    /** Sets the minimum remaining lifetime, where the server has such a token. */
    request &min_validity(std::chrono::seconds duration) &
    {
        return set(cc_request_set_min_validity_s, detail::count(duration));
    }
    /** Whether the server is asked even if a good token is cached. */
    request &force_refresh(bool on = true) &
    {
        return set(cc_request_set_force_refresh, on);
    }
    /** Whether calls skip the check that the process runs on Connect: for tests. */
    request &on_connect(bool on = true) &
    {
        return set(cc_request_set_on_connect, on);
    }
    /** Asked at least every 100 ms while a call waits, on its thread: true cancels the call. Empty:
     * none. A call keeps the callback it began with: replacing it takes effect with the next call.
     */
    request &cancel(std::function<bool()> cancelled) &
    {
        std::shared_ptr<detail::callback<bool()>> fresh;
        if (cancelled)
            fresh = std::make_shared<detail::callback<bool()>>(std::move(cancelled));
        detail::frame here;
        cc_request_set_cancel(get(), fresh ? is_cancelled : nullptr, fresh.get());
        cancel_ = std::move(fresh);
        here.rethrow();
        return *this;
    }

    /* The same on a temporary, for a chain that ends in a new variable or in a call. */
    request &&resource(const text &url) &&
    {
        return std::move(resource(url));
    }
    request &&scope(const text &scopes) &&
    {
        return std::move(scope(scopes));
    }
    request &&audience(const text &guid) &&
    {
        return std::move(audience(guid));
    }
    request &&integration(const text &name_or_guid) &&
    {
        return std::move(integration(name_or_guid));
    }
    request &&requested_token_type(const text &urn) &&
    {
        return std::move(requested_token_type(urn));
    }
    request &&content_token(const text &secret) &&
    {
        return std::move(content_token(secret));
    }
    request &&server_url(const text &url) &&
    {
        return std::move(server_url(url));
    }
    request &&api_key(const text &secret) &&
    {
        return std::move(api_key(secret));
    }
    request &&param(const text &name, const text &value) &&
    {
        return std::move(param(name, value));
    }
    request &&timeout(std::chrono::milliseconds duration) &&
    {
        return std::move(timeout(duration));
    }
    request &&default_timeout() &&
    {
        return std::move(default_timeout());
    }
    request &&min_validity(std::chrono::seconds duration) &&
    {
        return std::move(min_validity(duration));
    }
    request &&force_refresh(bool on = true) &&
    {
        return std::move(force_refresh(on));
    }
    request &&on_connect(bool on = true) &&
    {
        return std::move(on_connect(on));
    }
    request &&cancel(std::function<bool()> cancelled) &&
    {
        return std::move(cancel(std::move(cancelled)));
    }

    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }
    /** The C handle, lent. It is not given away, because a cancel callback is freed with this
     * object or when it is replaced: neither may happen during a call that C code makes with the
     * handle. */
    cc_request *get() const noexcept
    {
        return handle_.get();
    }

  private:
    static bool is_cancelled(void *user_data) noexcept
    {
        return detail::shield(true, [=] { return (*detail::callback<bool()>::of(user_data))(); });
    }

    template <class... Values>
    request &set(cc_status (*setter)(cc_request *, Values...), Values... values)
    {
        detail::carry([&] { return setter(get(), values...); });
        return *this;
    }

    friend class asked;

    /* Freed after the request that points to it, and after the calls that began with it. */
    std::shared_ptr<detail::callback<bool()>> cancel_;
    detail::handle<cc_request> handle_;
};

/** The request of a call: a request that the caller keeps, or, not given, all from the environment.
 */
class asked
{
  public:
    asked() noexcept : handle_(nullptr), is_empty_(false)
    {
    }
    asked(const request &what) noexcept
        : cancel_(what.cancel_), handle_(what.get()), is_empty_(!what)
    {
    }
    const cc_request *get() const noexcept
    {
        return handle_;
    }
    /** It was moved from. The library would take it for one that was not given. */
    bool is_empty() const noexcept
    {
        return is_empty_;
    }

  private:
    /* A callback may replace itself, and may destroy the request, while the call goes on. */
    std::shared_ptr<detail::callback<bool()>> cancel_;
    const cc_request *handle_;
    bool is_empty_;
};

namespace detail
{

/* Makes a C call for a handle. Its parameters are `first`, the request and the out-pointers. */
template <class T, class C, class Call, class... First>
result<T> ask_for(Call call, const asked &what, First... first)
{
    return ask<T, C>([=, &what](C **got, cc_error **failure) {
        return what.is_empty() ? CC_ERR_INVALID_ARGUMENT : call(first..., what.get(), got, failure);
    });
}

template <class Call, class... First>
result<token> ask_token(Call call, const asked &what, First... first)
{
    return ask_for<token, cc_token>(call, what, first...);
}

} // namespace detail

/* Tokens. */

inline result<token> try_service_account_token(const asked &what = asked())
{
    return detail::ask_token(cc_service_account_token, what);
}

inline result<token> try_viewer_token(const text &session_token, const asked &what = asked())
{
    return detail::ask_token(cc_viewer_token, what, session_token.c_str());
}

inline result<token> try_workload_token(const asked &what = asked())
{
    return detail::ask_token(cc_workload_token, what);
}

inline result<token> try_exchange_token(const text &subject_token, const text &subject_token_type,
                                        const asked &what = asked())
{
    return detail::ask_token(cc_exchange_token, what, subject_token.c_str(),
                             subject_token_type.c_str());
}

/** Lists the integrations that are associated with the content; see cc_integrations_list(). */
inline result<integrations> try_list_integrations(const asked &what = asked())
{
    return detail::ask_for<integrations, cc_integrations>(cc_integrations_list, what);
}

#ifdef CONNECTCREDS_EXCEPTIONS
/** Lists the integrations that are associated with the content; see cc_integrations_list(). */
CONNECTCREDS_NODISCARD inline integrations list_integrations(const asked &what = asked())
{
    return try_list_integrations(what).value();
}

/** Gets the token of the service account of an integration that is associated with this content. */
CONNECTCREDS_NODISCARD inline token service_account_token(const asked &what = asked())
{
    return try_service_account_token(what).value();
}

/**
 * Gets the token of the person viewing the content. `session_token` is the value of the viewer's
 * request header Posit-Connect-User-Session-Token; nullptr: there is no viewer's session; "": there
 * is one, and Connect sent no token.
 */
CONNECTCREDS_NODISCARD inline token viewer_token(const text &session_token,
                                                 const asked &what = asked())
{
    return try_viewer_token(session_token, what).value();
}

/** Gets an OpenID Connect id token that says which content this is. */
CONNECTCREDS_NODISCARD inline token workload_token(const asked &what = asked())
{
    return try_workload_token(what).value();
}

/** Makes any other exchange with the server's credential endpoint (RFC 8693), identity federation
 * for one. */
CONNECTCREDS_NODISCARD inline token exchange_token(const text &subject_token,
                                                   const text &subject_token_type,
                                                   const asked &what = asked())
{
    return try_exchange_token(subject_token, subject_token_type, what).value();
}
#endif

/* Calls that do not block. */

#ifdef CONNECTCREDS_COROUTINES
template <class Reactor> class awaiting;
#endif

/**
 * A call that was started. Destroying it cancels it: no cancel callback is asked. It keeps a copy
 * of its request.
 */
class call
{
  public:
    call() noexcept = default;
    /** Takes a C handle. */
    explicit call(cc_call *handle) noexcept : handle_(handle)
    {
    }

    /** Whether finish() returns at once. */
    bool is_done() const noexcept
    {
        return cc_call_is_done(get());
    }
    /** Returns a descriptor that becomes readable when the call is done; -1 if none can be created.
     * It belongs to the call: do not read, write or close it. */
    int fd() noexcept
    {
        return cc_call_fd(handle_.get());
    }

    /** Waits until the call is done. A second time, the result is the same again. */
    result<token> try_finish()
    {
        return detail::ask<token, cc_token>([this](cc_token **got, cc_error **failure) {
            return cc_call_finish(handle_.get(), got, failure);
        });
    }
#ifdef CONNECTCREDS_EXCEPTIONS
    CONNECTCREDS_NODISCARD token finish()
    {
        return try_finish().value();
    }

    /** Turns the call into a deferred future: get() finishes the call on the thread that asks. No
     * thread is started, and wait_for() returns std::future_status::deferred. */
    CONNECTCREDS_NODISCARD std::future<token> future() &&
    {
        /* Shared because C++11 cannot move into a lambda. */
        const auto self = std::make_shared<call>(std::move(*this));
        return std::async(std::launch::deferred, [self] { return self->finish(); });
    }

#ifdef CONNECTCREDS_COROUTINES
    /**
     * Prepares the call for co_await, which gives the token or throws:
     *
     *     token got = co_await service_account_token_start().on(reactor);
     *
     * Unless the call is done already, `reactor(fd, resume)` is called. It has to return and to
     * have resume() called once, when the descriptor is readable, on the thread on which the
     * coroutine continues. Where no descriptor can be created, the coroutine blocks.
     */
    template <class Reactor> CONNECTCREDS_NODISCARD awaiting<Reactor> on(Reactor reactor) &&
    {
        return awaiting<Reactor>(std::move(*this), std::move(reactor));
    }
#endif
#endif

    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }
    const cc_call *get() const noexcept
    {
        return handle_.get();
    }
    cc_call *release() noexcept
    {
        return handle_.release();
    }

  private:
    detail::handle<cc_call> handle_;
};

#ifdef CONNECTCREDS_COROUTINES
/** The operand of co_await: see call::on(). */
template <class Reactor> class awaiting
{
  public:
    awaiting(call started, Reactor reactor)
        : call_(std::move(started)), reactor_(std::move(reactor))
    {
    }

    bool await_ready() const noexcept
    {
        return !call_ || call_.is_done();
    }
    bool await_suspend(std::coroutine_handle<> coroutine)
    {
        const int descriptor = call_.fd();
        if (descriptor < 0)
            return false;
        /* The coroutine may go on, and destroy this object, while the reactor still runs. */
        Reactor reactor(std::move(reactor_));
        reactor(descriptor, [coroutine] { coroutine.resume(); });
        return true;
    }
    token await_resume()
    {
        return call_.finish();
    }

  private:
    call call_;
    Reactor reactor_;
};
#endif

inline result<call> try_service_account_token_start(const asked &what = asked())
{
    return detail::ask_for<call, cc_call>(cc_service_account_token_start, what);
}

inline result<call> try_viewer_token_start(const text &session_token, const asked &what = asked())
{
    return detail::ask_for<call, cc_call>(cc_viewer_token_start, what, session_token.c_str());
}

inline result<call> try_workload_token_start(const asked &what = asked())
{
    return detail::ask_for<call, cc_call>(cc_workload_token_start, what);
}

inline result<call> try_exchange_token_start(const text &subject_token,
                                             const text &subject_token_type,
                                             const asked &what = asked())
{
    return detail::ask_for<call, cc_call>(cc_exchange_token_start, what, subject_token.c_str(),
                                          subject_token_type.c_str());
}

#ifdef CONNECTCREDS_EXCEPTIONS
/** Starts service_account_token(). Throws a failure that needs no exchange. */
CONNECTCREDS_NODISCARD inline call service_account_token_start(const asked &what = asked())
{
    return try_service_account_token_start(what).value();
}

/** Starts viewer_token(). */
CONNECTCREDS_NODISCARD inline call viewer_token_start(const text &session_token,
                                                      const asked &what = asked())
{
    return try_viewer_token_start(session_token, what).value();
}

/** Starts workload_token(). */
CONNECTCREDS_NODISCARD inline call workload_token_start(const asked &what = asked())
{
    return try_workload_token_start(what).value();
}

/** Starts exchange_token(). */
CONNECTCREDS_NODISCARD inline call exchange_token_start(const text &subject_token,
                                                        const text &subject_token_type,
                                                        const asked &what = asked())
{
    return try_exchange_token_start(subject_token, subject_token_type, what).value();
}
#endif

/** Whether service_account_token() gives a token. */
inline bool has_service_account_token(const asked &what = asked())
{
    return !what.is_empty() &&
           detail::carry([&] { return cc_has_service_account_token(what.get()); });
}

/** Whether viewer_token() gives a token. */
inline bool has_viewer_token(const text &session_token, const asked &what = asked())
{
    return !what.is_empty() &&
           detail::carry([&] { return cc_has_viewer_token(session_token.c_str(), what.get()); });
}

/** Whether workload_token() gives a token. */
inline bool has_workload_token(const asked &what = asked())
{
    return !what.is_empty() && detail::carry([&] { return cc_has_workload_token(what.get()); });
}

/** Whether the process runs as content on Posit Connect, or seems to, inside a mock. */
inline bool running_on_connect() noexcept
{
    return cc_running_on_connect();
}

/** The process's cache; inside a mock, the mock's. */
namespace cache
{

/** Drops every cached token. */
inline void clear() noexcept
{
    cc_cache_clear();
}
/** Drops all that is held for a viewer's session token. */
inline void forget_session(const text &session_token) noexcept
{
    cc_cache_forget_session(session_token.c_str());
}
/** Counts since the process or the mock began. */
inline cc_cache_stats stats() noexcept
{
    cc_cache_stats counts{};
    cc_cache_get_stats(&counts, sizeof counts);
    return counts;
}

} // namespace cache

/** Settings of the process. Of a number or a duration, 0 or less means: back to the default. */
namespace config
{

/** How long a call may take. */
inline void timeout(std::chrono::milliseconds most)
{
    detail::set(cc_config_set_timeout_ms, detail::count(most));
}
/** How long one attempt may take. */
inline void attempt_timeout(std::chrono::milliseconds most)
{
    detail::set(cc_config_set_attempt_timeout_ms, detail::count(most));
}
/** How long a connection may take to come about. */
inline void connect_timeout(std::chrono::milliseconds most)
{
    detail::set(cc_config_set_connect_timeout_ms, detail::count(most));
}
/** How many attempts an exchange has. */
inline void max_attempts(int most)
{
    detail::set(cc_config_set_max_attempts, static_cast<std::uint32_t>(most < 0 ? 0 : most));
}
/** How many entries the cache has. */
inline void cache_capacity(std::ptrdiff_t most)
{
    detail::set(cc_config_set_cache_capacity, static_cast<std::size_t>(most < 0 ? 0 : most));
}
/** How much memory the cached tokens may take. */
inline void cache_bytes(std::ptrdiff_t most)
{
    detail::set(cc_config_set_cache_bytes, static_cast<std::size_t>(most < 0 ? 0 : most));
}
/** How long a token is kept whose lifetime is not stated. */
inline void default_lifetime(std::chrono::seconds duration)
{
    detail::set(cc_config_set_default_lifetime_s, detail::count(duration));
}
/** Whether tokens are renewed in the background. */
inline void background_refresh(bool on)
{
    detail::set(cc_config_set_background_refresh, on);
}
/** Reads certificate authorities from a file in PEM form; nullptr or "": back to the default.
 * Returns an error or CC_OK. */
inline error try_ca_bundle(const text &path)
{
    cc_error *failure = nullptr;
    detail::frame here;
    const cc_status status = cc_config_set_ca_bundle(path.c_str(), &failure);
    error why(status, failure);
    here.rethrow();
    return why;
}
#ifdef CONNECTCREDS_EXCEPTIONS
inline void ca_bundle(const text &path)
{
    error why = try_ca_bundle(path);
    if (why.status() != CC_OK)
        throw error(std::move(why));
}
#endif

} // namespace config

/** Is told a line of the log: its level, from CC_LOG_ERROR to CC_LOG_DEBUG, and its words, valid
 * until it returns. */
using log_function = std::function<void(int level, const char *message)>;

namespace detail
{

inline void log(std::int32_t level, const char *message, void *user_data) noexcept
{
    shield(true, [=] {
        const auto function = callback<void(int, const char *)>::of(user_data);
        (*function)(level, message);
        return true;
    });
}

} // namespace detail

/**
 * Sends the log to a callback, up to a level, in place of the one before, which is not called again
 * once this has returned. Empty: none. It is called on the threads that are inside a call. One
 * thread at a time may set it.
 */
inline void set_log(int max_level, log_function function)
{
    using state = detail::callback<void(int, const char *)>;
    /* Never destroyed: other threads may be inside a call when the process ends. */
    static auto *const current = new std::unique_ptr<state>();
    std::unique_ptr<state> fresh(function ? new state(std::move(function)) : nullptr);
    cc_log_set_callback(max_level, fresh ? detail::log : nullptr, fresh.get());
    *current = std::move(fresh);
}

/** Writes a report for a bug ticket; it holds no secret. Empty when that failed. */
inline std::string diagnose()
{
    char *report = nullptr;
    detail::carry([&] { return cc_diagnose(&report); });
    const detail::handle<char> owned(report);
    return report != nullptr ? report : "";
}

/** The version of the library that is running, as CC_VERSION is that of the header. */
inline const char *version() noexcept
{
    return cc_version();
}

/** The same as a number, 0xMMmmpp, to compare with CC_VERSION_NUMBER. */
inline std::uint32_t version_number() noexcept
{
    return cc_version_number();
}

/* Mocks. */

/** A request that a mock function answers. Valid until the function returns, as are its strings. */
class mock_request
{
  public:
    explicit mock_request(const cc_mock_request *handle) noexcept : handle_(handle)
    {
    }

    const char *url() const noexcept
    {
        return cc_mock_request_url(handle_);
    }
    const char *method() const noexcept
    {
        return cc_mock_request_method(handle_);
    }
    /** A header's value, without regard to the name's case; nullptr when it is not sent. */
    const char *header(const text &name) const noexcept
    {
        return cc_mock_request_header(handle_, name.c_str());
    }
    std::size_t header_count() const noexcept
    {
        return cc_mock_request_header_count(handle_);
    }
    const char *header_name(std::size_t index) const noexcept
    {
        return cc_mock_request_header_name(handle_, index);
    }
    const char *header_value(std::size_t index) const noexcept
    {
        return cc_mock_request_header_value(handle_, index);
    }
    /** A form parameter's value, decoded; nullptr when it is not sent. */
    const char *param(const text &name) const noexcept
    {
        return cc_mock_request_param(handle_, name.c_str());
    }
    std::size_t param_count() const noexcept
    {
        return cc_mock_request_param_count(handle_);
    }
    const char *param_name(std::size_t index) const noexcept
    {
        return cc_mock_request_param_name(handle_, index);
    }
    const char *param_value(std::size_t index) const noexcept
    {
        return cc_mock_request_param_value(handle_, index);
    }
    const cc_mock_request *get() const noexcept
    {
        return handle_;
    }

  private:
    const cc_mock_request *handle_;
};

/** Where a mock function puts its reply. Valid until the function returns. */
class mock_reply
{
  public:
    explicit mock_reply(cc_mock_reply *handle) noexcept : handle_(handle)
    {
    }

    /** Sets the reply. The content type is application/json unless it is given. */
    void set(int status, const text &body, const text &content_type = nullptr) noexcept
    {
        cc_mock_reply_set(handle_, status, content_type.c_str(), body.c_str());
    }
    /** Sets a header of the reply; nullptr or "" takes it away. */
    void set_header(const text &name, const text &value) noexcept
    {
        cc_mock_reply_set_header(handle_, name.c_str(), value.c_str());
    }
    cc_mock_reply *get() const noexcept
    {
        return handle_;
    }

  private:
    cc_mock_reply *handle_;
};

/** A response of mock::responses(): HTTP status, body up to a NUL, content type (application/json
 * when empty). */
struct mock_response {
    mock_response(int http_status, std::string body_text, std::string type = std::string())
        : status(http_status), body(std::move(body_text)), content_type(std::move(type))
    {
    }
    int status;
    std::string body;
    std::string content_type;
};

/** Answers a request and returns true, or returns false to let it go to the server. See cc_mock_fn.
 */
using mock_function = std::function<bool(const mock_request &request, mock_reply &reply)>;

/** A mock, from its making until it is destroyed: see cc_mock. It has to be kept in a variable. */
class mock
{
  public:
    mock() noexcept = default;
    mock(mock &&) noexcept = default;
    mock &operator=(mock &&other) noexcept
    {
        if (this != &other) {
            /* The function outlives the mock that calls it. */
            end();
            function_ = std::move(other.function_);
            handle_ = std::move(other.handle_);
        }
        return *this;
    }
    ~mock() = default;

    /** Every request is answered with this token, which lives for an hour. */
    CONNECTCREDS_NODISCARD static result<mock> try_token(const text &access_token)
    {
        return start([&](cc_mock **self, cc_error **failure) {
            return cc_mock_token(access_token.c_str(), self, failure);
        });
    }
    /** No integration is associated with the content: HTTP 400, Connect's code 212. */
    CONNECTCREDS_NODISCARD static result<mock> try_failure()
    {
        return start(
            [](cc_mock **self, cc_error **failure) { return cc_mock_failure(self, failure); });
    }
    /** These responses, one after the other, and then 503. */
    CONNECTCREDS_NODISCARD static result<mock>
    try_responses(const std::vector<mock_response> &responses)
    {
        std::vector<cc_mock_response> list;
        list.reserve(responses.size());
        for (const auto &each : responses)
            list.push_back(
                cc_mock_response{each.status, each.content_type.c_str(), each.body.c_str()});
        return start([&](cc_mock **self, cc_error **failure) {
            return cc_mock_responses(list.data(), list.size(), self, failure);
        });
    }
    /** A mock whose function builds each response. It is called on the threads that make calls,
     * several at a time. */
    CONNECTCREDS_NODISCARD static result<mock> try_function(mock_function function)
    {
        using state = detail::callback<bool(const mock_request &, mock_reply &)>;
        std::unique_ptr<state> kept(function ? new state(std::move(function)) : nullptr);
        auto started = start([&](cc_mock **self, cc_error **failure) {
            return cc_mock_function(kept ? answer : nullptr, kept.get(), self, failure);
        });
        started->function_ = std::move(kept);
        return started;
    }
#ifdef CONNECTCREDS_EXCEPTIONS
    CONNECTCREDS_NODISCARD static mock token(const text &access_token)
    {
        return try_token(access_token).value();
    }
    CONNECTCREDS_NODISCARD static mock failure()
    {
        return try_failure().value();
    }
    CONNECTCREDS_NODISCARD static mock responses(const std::vector<mock_response> &list)
    {
        return try_responses(list).value();
    }
    CONNECTCREDS_NODISCARD static mock function(mock_function answers)
    {
        return try_function(std::move(answers)).value();
    }
#endif

    /** How many requests the mock was asked to answer. */
    std::size_t request_count() const noexcept
    {
        return cc_mock_request_count(get());
    }
    /** Moves the mock's clock ahead. False for a negative duration, and for a mock that has ended.
     */
    bool advance_time(std::chrono::seconds duration)
    {
        return detail::carry(
                   [&] { return cc_mock_advance_time(handle_.get(), duration.count()); }) == CC_OK;
    }
    /** Sets one of Connect's variables in the mock's environment; nullptr or "" unsets it. False
     * for another variable, and for a mock that has ended. */
    bool set_environment(const text &name, const text &value) noexcept
    {
        return cc_mock_set_environment(handle_.get(), name.c_str(), value.c_str()) == CC_OK;
    }
    /** Sets the integrations that are associated with the content. False for one without a GUID,
     * for text that C rejects, and for a mock that has ended. */
    bool set_integrations(const std::vector<cc_mock_integration> &list) noexcept
    {
        return cc_mock_integrations(handle_.get(), list.data(), list.size()) == CC_OK;
    }
    /** Sets the session token of a viewer call that gives none; nullptr or "": such a call fails
     * with CC_ERR_NO_SESSION. False for text that C rejects, and for a mock that has ended. */
    bool set_user_session_token(const text &session_token) noexcept
    {
        return cc_mock_set_user_session_token(handle_.get(), session_token.c_str()) == CC_OK;
    }
    /** Ends the mock before it is destroyed. Waits while its function runs on another thread. */
    void end() noexcept
    {
        handle_.reset();
    }

    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }
    const cc_mock *get() const noexcept
    {
        return handle_.get();
    }

  private:
    explicit mock(cc_mock *handle) noexcept : handle_(handle)
    {
    }
    template <class T, class C, class F> friend result<T> detail::ask(F call);

    template <class F> static result<mock> start(F call)
    {
        return detail::ask<mock, cc_mock>(call);
    }

    static bool answer(const cc_mock_request *asked, cc_mock_reply *reply, void *user_data) noexcept
    {
        return detail::shield(true, [=] {
            const auto function =
                detail::callback<bool(const mock_request &, mock_reply &)>::of(user_data);
            mock_reply where(reply);
            return (*function)(mock_request(asked), where);
        });
    }

    /* Freed after the mock that calls it. */
    std::unique_ptr<detail::callback<bool(const mock_request &, mock_reply &)>> function_;
    detail::handle<cc_mock> handle_;
};

} // namespace CONNECTCREDS_NAMESPACE
} // namespace connectcreds

#undef CONNECTCREDS_STRING_VIEW
#undef CONNECTCREDS_COROUTINES
#undef CONNECTCREDS_EXCEPTIONS
#undef CONNECTCREDS_NODISCARD
#undef CONNECTCREDS_NAMESPACE

#endif /* CONNECTCREDS_HPP */
