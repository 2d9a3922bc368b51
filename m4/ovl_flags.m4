# SPDX-License-Identifier: GPL-2.0-or-later

# OVL_ADD_CFLAGS(VARIABLE, FLAGS)
# Appends to VARIABLE each of FLAGS that the compiler takes without a word.
AC_DEFUN([OVL_ADD_CFLAGS], [
for ovl_flag in $2; do
	AS_VAR_PUSHDEF([ovl_cache], [ovl_cv_cflag_$ovl_flag])
	AC_CACHE_CHECK([whether $CC accepts $ovl_flag], [ovl_cache], [
		ovl_saved_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror $ovl_flag"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM], [AS_VAR_SET([ovl_cache], [yes])],
			[AS_VAR_SET([ovl_cache], [no])])
		CFLAGS=$ovl_saved_CFLAGS
	])
	AS_VAR_IF([ovl_cache], [yes], [$1="$$1 $ovl_flag"])
	AS_VAR_POPDEF([ovl_cache])
done
])

# OVL_NEED_CFLAGS(VARIABLE, FLAGS, WHAT FOR)
# The same for FLAGS that must work when a program is linked, all together; fails without them.
AC_DEFUN([OVL_NEED_CFLAGS], [
AC_MSG_CHECKING([whether $CC links with $2])
ovl_saved_CFLAGS=$CFLAGS
CFLAGS="$CFLAGS $2"
AC_LINK_IFELSE([AC_LANG_PROGRAM], [AC_MSG_RESULT([yes])], [
	AC_MSG_RESULT([no])
	AC_MSG_ERROR([$3 needs $2 (see config.log); try another CC])])
CFLAGS=$ovl_saved_CFLAGS
$1="$$1 $2"
])
