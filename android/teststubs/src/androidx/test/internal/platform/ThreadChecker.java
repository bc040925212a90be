package androidx.test.internal.platform;

/** Robolectric implements it; nobody here calls it. */
public interface ThreadChecker {}
