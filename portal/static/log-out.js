// Goes on to the logout of the login page without a press. Without this script the button does it.

document.querySelector("form[data-at-once]")?.submit();
