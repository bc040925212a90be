package androidx.test.internal.platform.content;

/** Robolectric implements it; nobody here calls it. */
public interface PermissionGranter {}
