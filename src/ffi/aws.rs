//! `cc_aws_credentials`: the AWS credentials in a token.

use std::ffi::c_char;
use std::ptr;

use super::{cc_error, cc_status, cc_token, guard, lend, lend_or_null, out, shield, token_of};
use crate::AwsCredentials;
use crate::error::Error;

/// AWS credentials. Immutable: any thread may read them. They are wiped from memory when freed.
#[derive(Debug)]
pub struct cc_aws_credentials {
    credentials: AwsCredentials,
}

/// Returns the AWS credentials in a token that was requested with CC_TOKEN_TYPE_AWS_CREDENTIALS.
///
/// @param token        the token; NULL is rejected
/// @param credentials  receives the credentials, to be freed with cc_aws_credentials_free(); NULL is
///                     rejected
/// @param error        receives an error, to be freed with cc_error_free(); may be NULL
/// @return CC_OK, CC_ERR_INVALID_ARGUMENT, CC_ERR_INTERNAL, or CC_ERR_BAD_RESPONSE when the token
///         holds none
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_token_aws_credentials(
    token: *const cc_token,
    credentials: *mut *mut cc_aws_credentials,
    error: *mut *mut cc_error,
) -> cc_status {
    // SAFETY: the ABI's conventions.
    unsafe {
        guard(error, || {
            let place = out(credentials)?;
            let token = token_of(token).ok_or_else(|| Error::invalid_argument("The token is NULL."))?;
            let credentials = AwsCredentials::from_token(token)?;
            *place = Box::into_raw(Box::new(cc_aws_credentials { credentials }));
            Ok(())
        })
    }
}

/// What `read` finds in the credentials, or `fallback` for NULL.
///
/// # Safety
///
/// `credentials` is NULL or a live handle.
unsafe fn read<T: Copy>(
    credentials: *const cc_aws_credentials,
    fallback: T,
    read: impl FnOnce(&AwsCredentials) -> T,
) -> T {
    // SAFETY: by the caller.
    let handle = unsafe { credentials.as_ref() };
    shield(fallback, || {
        handle.map_or(fallback, |handle| read(&handle.credentials))
    })
}

/// Returns the access key id (AWS_ACCESS_KEY_ID).
///
/// @param credentials  the credentials; NULL gives NULL
/// @return the value, borrowed from the credentials
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_aws_credentials_access_key_id(
    credentials: *const cc_aws_credentials,
) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe { read(credentials, ptr::null(), |aws| lend(aws.access_key_id.as_c_str())) }
}

/// Returns the secret access key (AWS_SECRET_ACCESS_KEY). A secret: do not print it.
///
/// @param credentials  the credentials; NULL gives NULL
/// @return the value, borrowed from the credentials
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_aws_credentials_secret_access_key(
    credentials: *const cc_aws_credentials,
) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe {
        read(credentials, ptr::null(), |aws| {
            lend(aws.secret_access_key.as_c_str())
        })
    }
}

/// Returns the session token (AWS_SESSION_TOKEN). A secret: do not print it.
///
/// @param credentials  the credentials; NULL gives NULL
/// @return the value, borrowed from the credentials; NULL when there is none
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_aws_credentials_session_token(
    credentials: *const cc_aws_credentials,
) -> *const c_char {
    // SAFETY: the ABI's conventions.
    unsafe {
        read(credentials, ptr::null(), |aws| {
            lend_or_null(aws.session_token.as_ref().map(|token| token.as_c_str()))
        })
    }
}

/// Returns when the credentials expire, by AWS's clock.
///
/// @param credentials  the credentials; NULL gives -1
/// @return Unix seconds; -1 when they do not say
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_aws_credentials_expires_at(credentials: *const cc_aws_credentials) -> i64 {
    // SAFETY: the ABI's conventions.
    unsafe { read(credentials, -1, |aws| aws.expires_at().unwrap_or(-1)) }
}

/// Frees credentials, and with them every string borrowed from them.
///
/// @param credentials  the credentials; NULL is a no-op
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cc_aws_credentials_free(credentials: *mut cc_aws_credentials) {
    if !credentials.is_null() {
        // SAFETY: made by `Box::into_raw` above, and freed once.
        shield((), || drop(unsafe { Box::from_raw(credentials) }));
    }
}
