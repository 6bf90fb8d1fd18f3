/** Posts the form of the page, an authorization response, to the OAuth client. */
document.querySelector('form')?.submit();
